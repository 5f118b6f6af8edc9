"""What the operator decides about uploads."""

from dataclasses import dataclass
from datetime import timedelta

from .limits import MAX_OBJECT_SIZE, MAX_PART_COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """The operator's choices; sizes in bytes.

    `max_parts` is how many parts of an upload the store takes.
    `expiry` is how long an upload may rest untouched, `max_age` how long it may be open at all,
    `url_life` how long a signed URL works.
    `lease` is how long a caller who opens, completes or aborts an upload has it for itself without
    renewing that, and `wait` how long another caller waits for it. `grace` is what the sweep adds
    to every deadline, `retention` how long an upload is remembered after its end.
    """

    key_prefix: str = ""
    max_size: int = MAX_OBJECT_SIZE
    max_parts: int = MAX_PART_COUNT
    expiry: timedelta = timedelta(days=7)
    max_age: timedelta = timedelta(days=30)
    url_life: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(seconds=20)
    wait: timedelta = timedelta(seconds=25)
    grace: timedelta = timedelta(minutes=5)
    retention: timedelta = timedelta(days=30)
