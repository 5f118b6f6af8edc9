"""Limits and durations that the operator sets."""

from dataclasses import dataclass, field
from datetime import timedelta

from .content_check import ContentCheck
from .limits import MAX_OBJECT_SIZE
from .quota import QuotaLimits
from .upload_limits import UploadLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """The operator's choices; sizes in bytes.

    `max_size` is the largest file, if the store accepts it, and `require_size` refuses uploads
    whose size the client does not declare. `limits` are the allowed types and names of files, and
    `quotas` limit all uploads of a user together, None without quotas. `content_check` is what
    happens to a finished object whose bytes are not of the declared type.
    `expiry` is how long an upload may be idle, `max_age` how long it may be open in total, and
    `url_lifetime` how long a signed URL works.
    `lease` is how long a crashed process blocks others from opening, completing or aborting its
    upload, and `wait` how long a caller waits for another caller's lease. `grace` is the time that
    the sweep adds to every deadline, and `retention` how long a session is kept after its end. With
    `completes_whole`, the sweep completes an upload that has all its parts instead of expiring it.
    """

    key_prefix: str = ""
    max_size: int = MAX_OBJECT_SIZE
    require_size: bool = False
    limits: UploadLimits = field(default_factory=UploadLimits)
    quotas: QuotaLimits | None = None
    content_check: ContentCheck = ContentCheck.OFF
    expiry: timedelta = timedelta(days=7)
    max_age: timedelta = timedelta(days=30)
    url_lifetime: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(seconds=20)
    wait: timedelta = timedelta(seconds=25)
    grace: timedelta = timedelta(minutes=5)
    retention: timedelta = timedelta(days=30)
    completes_whole: bool = True

    @property
    def max_unsized(self) -> int | None:
        """The largest upload in bytes whose client declares no size; None for `max_size`."""
        return self.quotas.max_unsized if self.quotas else None
