"""What the operator decides about uploads."""

from dataclasses import dataclass
from datetime import timedelta

from ..limits import MAX_OBJECT_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """The operator's choices; sizes in bytes.

    `expiry` is how long an upload may rest untouched, `url_life` how long a signed URL works,
    `lease` how long a complete or abort has a session for itself: longer than a store may take to
    join the parts, or two callers join them at once.
    """

    key_prefix: str = ""
    max_size: int = MAX_OBJECT_SIZE
    expiry: timedelta = timedelta(days=7)
    url_life: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(seconds=660)
