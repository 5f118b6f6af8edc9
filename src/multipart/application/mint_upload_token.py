"""Make an upload token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4

from ..domain.errors import InvalidFieldError, UploadTokensUnsupportedError
from ..domain.upload_token import UploadToken
from .ports import Clock, UploadTokenSigner

DEFAULT_TOKEN_LIFETIME: Final = timedelta(hours=1)
MAX_TOKEN_LIFETIME: Final = timedelta(days=30)
# A token travels in the path of a URL, for which proxies have limits of about 8 KiB.
MAX_TOKEN_LENGTH: Final = 6144


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUploadToken:
    """The token to make; see UploadToken for its fields."""

    user_id: str
    lifetime: timedelta = DEFAULT_TOKEN_LIFETIME
    max_size: int | None = None
    content_types: tuple[str, ...] | None = None
    max_uploads: int | None = None
    key_prefix: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedUploadToken:
    """A token, and the text that its bearer presents."""

    token: UploadToken
    text: str


@dataclass(frozen=True, slots=True)
class MintUploadToken:
    """Sign a new token; nothing is stored, so that it cannot be revoked before it expires.

    Raise InvalidFieldsError, or UploadTokensUnsupportedError without a signer.
    """

    signer: UploadTokenSigner | None
    clock: Clock

    def __call__(self, new: NewUploadToken) -> SignedUploadToken:
        if self.signer is None:
            raise UploadTokensUnsupportedError
        token = UploadToken(
            id=uuid4().hex,
            user_id=new.user_id,
            expires_at=(self.clock.now() + new.lifetime).replace(microsecond=0),
            max_size=new.max_size,
            content_types=new.content_types,
            max_uploads=new.max_uploads,
            key_prefix=new.key_prefix,
            metadata=new.metadata,
        )
        token.require_valid()
        text = self.signer.sign(token)
        if len(text) > MAX_TOKEN_LENGTH:
            rule = f"make the token {len(text)} characters long; {MAX_TOKEN_LENGTH} are allowed"
            raise InvalidFieldError("content_types and metadata", rule)
        return SignedUploadToken(token, text)
