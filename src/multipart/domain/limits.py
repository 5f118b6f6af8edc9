"""The limits of the wire contract and of stored sessions; a store may have lower ones."""

from typing import Final

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB

MAX_PART_COUNT: Final = 10_000
MAX_PART_SIZE: Final = 5 * GIB
MAX_OBJECT_SIZE: Final = MAX_PART_COUNT * MAX_PART_SIZE
"""48.8 TiB."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html gives 2 KB for all
# user-defined metadata. Values that are not ASCII are encoded by RFC 2047, which adds a third, and
# our own upload id and nonce count as well. Half of the limit always fits.
MAX_METADATA_BYTES: Final = 1024
MAX_METADATA_ENTRIES: Final = 32
