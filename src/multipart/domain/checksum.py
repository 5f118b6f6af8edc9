"""The checksum of bytes: CRC-64/NVME, which S3 computes for every object by itself."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import anycrc

CHECKSUM_FIELD: Final = "checksum_crc64nvme"
"""Its name in requests, answers and metadata."""
CHECKSUM_PATTERN: Final = r"^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$(?!\n)"
"""The eight bytes, the highest first, in base64, as in S3's header."""
CHECKSUM_RULE: Final = "must be a CRC-64/NVME: eight bytes in base64, such as M3eFcAZSQlc="
CHECKSUM_HEADER: Final = "x-amz-checksum-crc64nvme"


_MODEL: Final = anycrc.Model("CRC64-NVME")


def crc64nvme(data: bytes, before: int = 0) -> int:
    """Return the checksum of bytes that follow others with the checksum `before`."""
    return int(_MODEL.calc(data, before))


def combine_crc64nvme(first: int, second: int, second_size: int) -> int:
    """Return the checksum of two sequences of bytes, one after the other, from theirs."""
    return int(_MODEL.combine(first, second, second_size))


def encode_checksum(crc: int) -> str:
    """Write a checksum as text."""
    return b64encode(crc.to_bytes(8, "big")).decode()
