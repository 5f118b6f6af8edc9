"""Times as S3 writes them."""

from __future__ import annotations

from datetime import datetime

from botocore.utils import parse_timestamp


def parsed_time(value: str) -> datetime:
    """Read a time that S3 has written, as botocore does.

    Its own way guesses at any form of a date, which for 10,000 parts takes half of a complete.
    """
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return parse_timestamp(value)
