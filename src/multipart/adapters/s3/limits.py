"""S3's limits, with the pages they come from."""

from typing import Final

from ...domain.limits import GIB, MIB

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PART_COUNT: Final = 10_000
MIN_PART_SIZE: Final = 5 * MIB
MAX_PART_SIZE: Final = 5 * GIB
MAX_OBJECT_SIZE: Final = MAX_PART_COUNT * MAX_PART_SIZE
"""48.8 TiB. Other vendors stop at 5 TB; for them, set MAX_UPLOAD_SIZE."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
MAX_SINGLE_SIZE: Final = 5 * GIB

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
MAX_URL_SECONDS: Final = 7 * 24 * 3600
