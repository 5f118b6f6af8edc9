"""S3's limits, with the pages they come from."""

from typing import Final

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PART_COUNT: Final = 10_000
MIN_PART_SIZE: Final = 5 * MIB
MAX_PART_SIZE: Final = 5 * GIB
MAX_OBJECT_SIZE: Final = MAX_PART_COUNT * MAX_PART_SIZE
"""48.8 TiB. Other vendors stop at 5 TB, so the limit in force is a setting."""

MAX_SINGLE_SIZE: Final = 5 * GIB
"""Largest body of one request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html"""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html gives 2 KB for all
# user-defined metadata. Values that are not ASCII are encoded by RFC 2047, which adds a third, and
# our own upload id and nonce count as well. Half of the limit always fits.
MAX_METADATA_BYTES: Final = 1024
MAX_METADATA_ENTRIES: Final = 32

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
MAX_URL_SECONDS: Final = 7 * 24 * 3600
