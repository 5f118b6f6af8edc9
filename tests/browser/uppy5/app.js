import AwsS3 from '@uppy/aws-s3'
import Uppy from '@uppy/core'
import GoldenRetriever from '@uppy/golden-retriever'

import { start } from '../page.js'

start({ Uppy, AwsS3, GoldenRetriever, endpoint: (url) => ({ endpoint: url }) })
