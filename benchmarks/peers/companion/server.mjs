// Uppy Companion as its README mounts it: no request log, no unneeded sessions.
import { app as companionOf } from '@uppy/companion'
import express from 'express'
import session from 'express-session'

const { PORT, S3_ENDPOINT_URL, DATA_FOLDER } = process.env
const app = express()
app.use(express.json())
app.use(session({ secret: 'bench', resave: false, saveUninitialized: false }))
const { app: companionApp } = companionOf({
  s3: {
    key: process.env.AWS_ACCESS_KEY_ID,
    secret: process.env.AWS_SECRET_ACCESS_KEY,
    bucket: process.env.S3_BUCKET_NAME,
    region: process.env.AWS_REGION,
    endpoint: S3_ENDPOINT_URL,
    forcePathStyle: true,
    expires: 3600,
  },
  providerOptions: {},
  server: { host: `127.0.0.1:${PORT}`, protocol: 'http' },
  filePath: DATA_FOLDER,
  secret: 'bench',
  uploadUrls: ['http://127.0.0.1'],
  corsOrigins: ['http://127.0.0.1'],
  metrics: false,
})
app.use(companionApp)
app.get('/health/ready', (_, response) => response.send('ok'))
app.listen(Number(PORT), '127.0.0.1')
