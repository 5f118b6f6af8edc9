"""Build the policy of the domain from the settings."""

from __future__ import annotations

from datetime import timedelta

from .domain.policy import UploadPolicy
from .domain.quota import MAX_OPEN_UPLOADS, QuotaLimits
from .domain.upload_limits import UploadLimits
from .settings import Settings


def upload_policy(settings: Settings) -> UploadPolicy:
    """Return the limits and durations that the operator has set."""
    return UploadPolicy(
        key_prefix=settings.s3_key_prefix,
        max_size=settings.max_upload_size,
        require_size=settings.require_size,
        limits=UploadLimits(
            content_types=settings.upload_content_types, extensions=settings.upload_extensions
        ),
        quotas=_quota_limits(settings),
        content_check=settings.content_check,
        expiry=timedelta(seconds=settings.upload_expiry_seconds),
        max_age=timedelta(seconds=settings.max_upload_age_seconds),
        url_lifetime=timedelta(seconds=settings.signed_url_seconds),
        lease=timedelta(seconds=settings.lease_seconds),
        wait=timedelta(seconds=settings.wait_seconds),
        grace=timedelta(seconds=settings.sweep_grace_seconds),
        completes_whole=settings.sweep_completes_whole_uploads,
        retention=timedelta(seconds=settings.retention_seconds),
    )


def _quota_limits(settings: Settings) -> QuotaLimits | None:
    """Return the quotas; None without any."""
    if not settings.has_quotas:
        return None
    return QuotaLimits(
        open_uploads=settings.quota_open_uploads or MAX_OPEN_UPLOADS,
        open_bytes=settings.quota_open_bytes,
        period_bytes=settings.quota_period_bytes,
        period=timedelta(seconds=settings.quota_period_seconds),
        unsized_bytes=settings.quota_unsized_bytes,
    )
