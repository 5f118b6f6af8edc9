"""Times as S3 writes them."""

from __future__ import annotations

import pytest
from botocore.utils import parse_timestamp

from multipart_upload.adapters.s3.times import parsed_time


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T23:59:59Z",
        "2026-01-01T00:00:00.123+00:00",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "1767225600",
    ],
)
def test_a_time_is_read_as_botocore_reads_it(written: str) -> None:
    assert parsed_time(written) == parse_timestamp(written)
    assert parsed_time(written).tzinfo is not None
