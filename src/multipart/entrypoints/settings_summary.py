"""Which database and bucket are in use, for an operator: settings and hosts, no secrets."""

from __future__ import annotations

from ..domain.errors import RepositoryUnavailableError, UnavailableError
from ..session_database import choose_database
from ..settings import Settings


def describe_settings(settings: Settings) -> str:
    """Describe database, bucket, credentials and authentication in one line."""
    return (
        f"database: {choose_database(settings).description}; bucket: {_bucket(settings)}; "
        f"credentials: {_credentials(settings)}; callers: {_callers(settings)}"
    )


def explain_outage(reason: UnavailableError, settings: Settings) -> str:
    """Name the database or bucket that is unavailable, its setting, and the reason."""
    is_database = isinstance(reason, RepositoryUnavailableError)
    description = choose_database(settings).description if is_database else _bucket(settings)
    return f"{description}: {reason.cause or reason}"


def _bucket(settings: Settings) -> str:
    if settings.object_store is not None:
        return f"{settings.object_store} (OBJECT_STORE)"
    if settings.s3_endpoint_url is None:
        return f"{settings.s3_bucket_name} on AWS in {settings.aws_region} (S3_BUCKET_NAME)"
    return f"{settings.s3_bucket_name} at {settings.s3_endpoint_url} (S3_BUCKET_NAME)"


def _credentials(settings: Settings) -> str:
    has_key = settings.aws_access_key_id is not None
    return "AWS_ACCESS_KEY_ID" if has_key else "the usual AWS credential chain"


def _callers(settings: Settings) -> str:
    companion = settings.companion_user_header
    if companion is None:
        return f"not authenticated, /s3 as {settings.companion_user_id} (COMPANION_USER_ID)"
    return f"not authenticated, /s3 by the header {companion} (COMPANION_USER_HEADER)"
