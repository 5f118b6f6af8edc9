"""What a client declares about its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client declares about its file; sizes in bytes, None if unknown.

    With `size`, the service plans the parts. `max_size` is the size of a file that the client cuts
    itself; give one of them at most.
    A request with the same `idempotency_key` returns the same session.
    """

    user_id: str
    filename: str
    content_type: str
    size: int | None = None
    max_size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None

    @property
    def stored_filename(self) -> str:
        """The name without NUL, which file systems and PostgreSQL do not accept."""
        return self.filename.replace("\0", "")

    @property
    def stored_type(self) -> str:
        """The type, or a general one if the client does not know it.

        Without tabs: stores differ in how they sign them, and versitygw refuses such a header.
        """
        return self.content_type.replace("\t", " ") or "application/octet-stream"
