"""Settings of uploads: limits, times, leases and the sweep."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from ..domain.content_check import ContentCheck
from ..domain.limits import MAX_OBJECT_SIZE
from ..domain.upload_limits import MEDIA_RANGE_PATTERN
from .values import DAY, TEN_YEARS, matching, split_list

_EXTENSION: Final = r"\.?[^\s.,/*]+"


class UploadSettings(BaseSettings):
    """What an upload may be, and when it ends."""

    s3_key_prefix: Annotated[
        str,
        matching(
            r"(?=.{0,100}$)([A-Za-z0-9!_.*'()/-]|\{shard\})*",
            "must be at most 100 letters, digits and ! _ . * ' ( ) / -, or {shard}",
        ),
    ] = Field(
        default="",
        description="Prefix of every object key. {shard} in it becomes one of 256 values, which "
        "spreads the uploads evenly over 256 key prefixes.",
    )
    max_upload_size: int = Field(
        default=MAX_OBJECT_SIZE,
        ge=1,
        le=MAX_OBJECT_SIZE,
        description="Largest file in bytes, if the store accepts it. The default is the limit of "
        "S3, 48.8 TiB; some vendors stop at 5 TB.",
    )
    require_size: bool = Field(
        default=False,
        description="Whether the size of every file must be declared at its start: `size`, or the "
        "metadata entry `size` of Uppy.",
    )
    allowed_content_types: (
        Annotated[
            str,
            matching(
                rf"{MEDIA_RANGE_PATTERN}(\s*,\s*{MEDIA_RANGE_PATTERN})*",
                "must be types such as image/png or image/*, separated by commas",
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Content types that a client may declare, separated by commas, such as "
        "image/*,application/pdf. Default: all. An empty type counts as application/octet-stream.",
    )
    allowed_extensions: (
        Annotated[
            str,
            matching(
                rf"{_EXTENSION}(\s*,\s*{_EXTENSION})*",
                "must be extensions such as jpg, separated by commas",
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Extensions that the name of a file may have, separated by commas, such as "
        "jpg,png. Default: all.",
    )
    content_check: ContentCheck = Field(
        default=ContentCheck.REPORT,
        description="Whether a complete reads the first KiB of the object to detect its type: "
        "`off`; `report` it in the upload's status and event; or `refuse`: an object that is not "
        "of the declared type is deleted, and the upload aborted.",
    )
    signed_url_seconds: int = Field(
        default=3600,
        ge=1,
        le=TEN_YEARS,
        description="Lifetime of a signed URL in seconds; never longer than the credentials, nor "
        "than the store allows: 7 days on S3. Shorten it for stores that accept a PUT after the "
        "end of an upload.",
    )
    upload_expiry_seconds: int = Field(
        default=7 * DAY,
        ge=60,
        le=TEN_YEARS,
        description="Seconds after which an idle upload expires; every reported or stored part "
        "restarts that time. Clients see the time as expires_at.",
    )
    max_upload_age_seconds: int = Field(
        default=30 * DAY,
        ge=60,
        le=TEN_YEARS,
        description="Seconds after which an upload expires even if parts still arrive. No signed "
        "URL works longer. The expiry_reason is then max-age.",
    )
    retention_seconds: int = Field(
        default=30 * DAY,
        ge=60,
        le=TEN_YEARS,
        description="Seconds for which a session is kept after it was completed, aborted or "
        "expired.",
    )
    lease_seconds: int = Field(
        default=20,
        ge=3,
        le=3600,
        description="Lease duration in seconds: how long a crashed process blocks others from "
        "opening, completing or aborting the same upload. A running process renews its lease, "
        "for up to 600 seconds of work in S3.",
    )
    wait_seconds: int = Field(
        default=25,
        ge=0,
        le=600,
        description="Seconds that a request waits while another one holds the lease, before it is "
        "answered 409 with Retry-After.",
    )
    sweep_interval_seconds: int = Field(
        default=300,
        ge=0,
        le=7 * DAY,
        description="Average seconds between two sweeps of one process; each pause varies by "
        "half. 0: `serve` does not sweep.",
    )
    sweep_grace_seconds: int = Field(
        default=300,
        ge=0,
        le=7 * DAY,
        description="Seconds after its deadline before the sweep acts on an upload.",
    )
    sweep_completes_whole_uploads: bool = Field(
        default=True,
        description="Whether the sweep completes an upload that is due to expire if the store "
        "holds every part of its plan.",
    )

    @property
    def upload_content_types(self) -> tuple[str, ...] | None:
        """Split ALLOWED_CONTENT_TYPES."""
        text = self.allowed_content_types
        return None if text is None else tuple(split_list(text.lower()))

    @property
    def upload_extensions(self) -> tuple[str, ...] | None:
        """Split ALLOWED_EXTENSIONS."""
        text = self.allowed_extensions
        return (
            None
            if text is None
            else tuple(extension.removeprefix(".") for extension in split_list(text.lower()))
        )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.signed_url_seconds > self.upload_expiry_seconds:
            msg = "SIGNED_URL_SECONDS: must not be longer than UPLOAD_EXPIRY_SECONDS"
            raise ValueError(msg)
        if self.upload_expiry_seconds > self.max_upload_age_seconds:
            msg = "UPLOAD_EXPIRY_SECONDS: must not be longer than MAX_UPLOAD_AGE_SECONDS"
            raise ValueError(msg)
        if self.lease_seconds > self.upload_expiry_seconds:
            msg = "LEASE_SECONDS: must not be longer than UPLOAD_EXPIRY_SECONDS"
            raise ValueError(msg)
        return self
