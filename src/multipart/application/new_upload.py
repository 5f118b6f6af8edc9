"""What a client declares about its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from ..domain.policy import UploadPolicy
from ..domain.session import UploadSession
from ..domain.upload_token import TokenUse, UploadToken
from ..domain.validation import require_start


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client declares about its file; sizes in bytes, None if unknown.

    With `size`, the service plans the parts. `max_size` is the size of a file that the client cuts
    itself; give one of them at most. `checksum` is the CRC-64/NVME of the file in base64.
    A request with the same `idempotency_key` returns the same session. With a `token`, the upload
    is within its limits.
    """

    user_id: str
    filename: str
    content_type: str
    size: int | None = None
    max_size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    checksum: str | None = None
    idempotency_key: str | None = None
    token: UploadToken | None = None

    def require_allowed(self, policy: UploadPolicy) -> None:
        """Raise InvalidFieldsError for what the rules, the policy or the token does not allow."""
        require_start(self.user_id, self.filename, self.content_type, self.stored_metadata)
        policy.limits.require(self.stored_type, self.stored_filename)
        if self.token is not None:
            self.token.limits.require(self.stored_type, self.stored_filename)

    def size_limit(self, policy: UploadPolicy) -> int:
        """Return the largest file in bytes that the policy and the token allow."""
        allowed = self.token.max_size if self.token else None
        return policy.max_size if allowed is None else min(allowed, policy.max_size)

    def key_prefix(self, policy: UploadPolicy) -> str:
        """Return what every key starts with."""
        return policy.key_prefix + (self.token.key_prefix if self.token else "")

    def max_total_size(self, policy: UploadPolicy) -> int | None:
        """Return how many bytes the client's own parts may have in all; None without a limit."""
        declared = policy.max_unsized if self.max_size is None else self.max_size
        allowed = self.token.max_size if self.token else None
        return min((size for size in (declared, allowed) if size is not None), default=None)

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

    @property
    def stored_metadata(self) -> Mapping[str, str]:
        """The metadata of the object: the client's, in which the token's entries take precedence.

        Names are compared without case, as S3 does.
        """
        fixed = self.token.metadata if self.token else {}
        names = {name.lower() for name in fixed}
        return {**{k: v for k, v in self.metadata.items() if k.lower() not in names}, **fixed}

    @property
    def start_key(self) -> str | None:
        """A hash of the idempotency key, None without one."""
        return self.idempotency_key and sha256(self.idempotency_key.encode()).hexdigest()

    @property
    def token_use(self) -> TokenUse | None:
        """What the session records of the token."""
        token = self.token
        return TokenUse(token.id, token.expires_at, self.start_key) if token else None

    def declares_same(self, session: UploadSession) -> bool:
        """Return whether a session was started with what this request declares.

        Not compared is the part size, which another release may choose.
        """
        declared = (session.filename, session.content_type, dict(session.metadata))
        return (
            declared == (self.stored_filename, self.stored_type, dict(self.stored_metadata))
            and (session.plan and session.plan.size) == self.size
            and self.checksum in {None, session.checksum}
        )
