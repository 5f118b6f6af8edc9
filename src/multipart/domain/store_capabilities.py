"""What an object store can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from .limits import MAX_PART_COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCapabilities:
    """The limits and rules of a store; sizes in bytes.

    - `min_part_size` holds for every part but the last.
    - `max_part_count` and `max_part_size` are at most those of `domain.limits`.
    - `max_single_size` is the largest file that a signed form accepts; None if there are no forms.
    - `browser_origin` is the origin of the signed URLs: scheme, host and port.
    - `equal_part_sizes`: every part but the last must have the same size.
    - `answers_etag`: a PUT of a part answers its ETag. Otherwise the ETag of every part is empty,
      whatever clients report.
    - `checks_parts`: a part can be signed for bytes with one CRC-64/NVME. Some S3 stores ignore it.
    """

    min_part_size: int
    max_part_size: int
    max_object_size: int
    max_single_size: int | None
    max_url_lifetime: timedelta
    browser_origin: str
    max_part_count: int = MAX_PART_COUNT
    equal_part_sizes: bool = False
    answers_etag: bool = True
    checks_parts: bool = False
