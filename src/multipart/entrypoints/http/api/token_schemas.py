"""Schemas of the route that makes upload tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from ....application.mint_upload_token import (
    DEFAULT_TOKEN_LIFETIME,
    MAX_TOKEN_LIFETIME,
    NewUploadToken,
    SignedUploadToken,
)
from ....domain.errors import FieldError
from ....domain.limits import MAX_METADATA_BYTES, MAX_OBJECT_SIZE
from ....domain.principal import Principal, Scope
from ....domain.upload_limits import MEDIA_RANGE_PATTERN
from ....domain.upload_token import (
    KEY_PREFIX_PATTERN,
    MAX_KEY_PREFIX_LENGTH,
    MAX_TOKEN_TYPES,
    MAX_TOKEN_UPLOADS,
)
from ....domain.validation import start_errors
from .schemas import METADATA_SCHEMA, UserId

_EXAMPLE: Final = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
_DOMAIN_CHECKED: Final = ("user_id", "metadata")
_DEFAULT_SECONDS: Final = int(DEFAULT_TOKEN_LIFETIME.total_seconds())


class UploadTokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the bearer of the token may upload."""

    user_id: UserId
    expires_in: Annotated[
        int,
        Meta(
            ge=1,
            le=int(MAX_TOKEN_LIFETIME.total_seconds()),
            description="Seconds for which the token is accepted.",
            examples=[_DEFAULT_SECONDS],
        ),
    ] = _DEFAULT_SECONDS
    max_size: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_OBJECT_SIZE)] | None,
        Meta(description="Largest file in bytes.", examples=[10**9]),
    ] = None
    content_types: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern=rf"^{MEDIA_RANGE_PATTERN}$")]],
            Meta(max_length=MAX_TOKEN_TYPES),
        ]
        | None,
        Meta(
            description="Content types that may be declared; a subtype `*` allows all of a kind.",
            examples=[["image/*", "video/mp4"]],
        ),
    ] = None
    max_uploads: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_TOKEN_UPLOADS)] | None,
        Meta(description="How many uploads may be started.", examples=[1]),
    ] = None
    key_prefix: Annotated[
        str,
        Meta(
            max_length=MAX_KEY_PREFIX_LENGTH,
            pattern=KEY_PREFIX_PATTERN,
            description="Prefix of every key, after the prefix of the service.",
            examples=["avatars/"],
        ),
    ] = ""
    metadata: Annotated[
        dict[str, str],
        Meta(
            description="User metadata of every object, at most "
            f"{MAX_METADATA_BYTES} bytes of names and values; it replaces that of the client.",
            examples=[{"project": "summer"}],
            extra_json_schema=METADATA_SCHEMA,
        ),
    ] = field(default_factory=dict)

    @staticmethod
    def rule_errors(fields: Mapping[str, Any]) -> list[FieldError]:
        """Return the errors of the rules that a type cannot express."""
        return start_errors(**{name: fields[name] for name in _DOMAIN_CHECKED if name in fields})

    def to_domain(self, principal: Principal) -> NewUploadToken:
        """Convert the request for the use case. Raise UserNotAllowedError."""
        principal.require(Scope.ACT_FOR)
        return NewUploadToken(
            user_id=self.user_id,
            lifetime=timedelta(seconds=self.expires_in),
            max_size=self.max_size,
            content_types=None if self.content_types is None else tuple(self.content_types),
            max_uploads=self.max_uploads,
            key_prefix=self.key_prefix,
            metadata=self.metadata,
        )


class UploadTokenAnswer(Struct, frozen=True):
    """A token: a bearer token, or the start of the path for clients that send no headers."""

    token: Annotated[str, Meta(description="The token; it is not stored.", examples=[_EXAMPLE])]
    token_id: Annotated[
        str, Meta(description="Id of the token.", examples=["3f2a9c0de1b84756a1c2d3e4f5061728"])
    ]
    path: Annotated[
        str,
        Meta(
            description="Path that replaces the header: `/t/{token}/s3/multipart`, for example.",
            examples=[f"/t/{_EXAMPLE}"],
        ),
    ]
    expires_at: Annotated[
        datetime,
        Meta(
            tz=True,
            description="When the token expires. It cannot be revoked before.",
            examples=["2026-12-01T13:00:00Z"],
        ),
    ]

    @classmethod
    def of(cls, signed: SignedUploadToken) -> UploadTokenAnswer:
        """Convert a signed token."""
        token = signed.token
        return cls(signed.text, token.id, f"/t/{signed.text}", token.expires_at)
