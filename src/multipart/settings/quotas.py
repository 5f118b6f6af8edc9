"""Settings of quotas."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from ..domain.limits import MAX_OBJECT_SIZE
from ..domain.quota import MAX_OPEN_UPLOADS
from .values import DAY, TEN_YEARS


class QuotaSettings(BaseSettings):
    """How much each user may upload."""

    quota_open_uploads: int | None = Field(
        default=None,
        ge=1,
        le=MAX_OPEN_UPLOADS,
        description="Most uploads that a user may have open at once. Default: no quota, or "
        f"{MAX_OPEN_UPLOADS} with one of the other two.",
    )
    quota_open_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Most bytes that the open uploads of a user may have. Default: no quota.",
    )
    quota_period_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Most bytes that a user may upload in a period. Default: no quota.",
    )
    quota_period_seconds: int = Field(
        default=DAY,
        ge=60,
        le=TEN_YEARS,
        description="Length of a period in seconds. Periods begin at multiples of it since 1970, "
        "UTC: days at midnight.",
    )
    quota_unsized_bytes: int = Field(
        default=5 * 2**30,
        ge=1,
        le=MAX_OBJECT_SIZE,
        description="What an upload without a declared size counts in the quotas of bytes, and "
        "may have at most.",
    )

    @property
    def has_quotas(self) -> bool:
        """Whether there is any quota."""
        quotas = (self.quota_open_uploads, self.quota_open_bytes, self.quota_period_bytes)
        return any(quota is not None for quota in quotas)
