"""Translate failures of requests to Azure into domain errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from traceback import walk_tb
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError

from ...domain.errors import (
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    UploadError,
)

REQUEST_SECONDS: Final = 4.0
"""Clients are promised a response within 5 s: 1 s is for the service."""

_CREDENTIALS_REFUSED: Final = (
    "credentials-refused",
    "the credentials are refused; check AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY",
)
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
_PROBLEMS: Final = {
    "AuthenticationFailed": _CREDENTIALS_REFUSED,
    "InvalidAuthenticationInfo": _CREDENTIALS_REFUSED,
    "KeyBasedAuthenticationNotPermitted": (
        "keys-not-permitted",
        "the account permits no access by key; allow it, or use another account",
    ),
    "AuthorizationFailure": (
        "access-denied",
        "the account refuses this service; check AZURE_STORAGE_KEY and the firewall rules",
    ),
    "ContainerNotFound": (
        "container-missing",
        "the container does not exist; make it, or name another in AZURE_CONTAINER",
    ),
}
_TRANSIENT: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_logger = logging.getLogger(__name__)


@asynccontextmanager
async def translate_errors(timeout_seconds: float) -> AsyncIterator[None]:
    """Raise domain errors for what the SDK raises, and StoreUnavailableError after the timeout."""
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except HttpResponseError as exc:
        raise _translate(exc) from exc
    except (AzureError, TimeoutError) as exc:
        raise _report_unavailable(exc) from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        if not _is_raised_by_sdk(exc):
            raise
        raise _report_unavailable(exc) from exc


def _is_raised_by_sdk(exc: Exception) -> bool:
    """Return whether the SDK raised it, for an answer that it cannot read; else it is a bug."""
    frames = [frame for frame, _ in walk_tb(exc.__traceback__)]
    return str(frames[-1].f_globals.get("__name__")).startswith("azure.")


def _report_unavailable(exc: Exception) -> StoreUnavailableError:
    # Only the type: the text may contain a URL.
    _logger.warning("Azure did not answer: %s", type(exc).__name__)
    return StoreUnavailableError(f"no answer ({type(exc).__name__})")


def error_code(exc: HttpResponseError) -> str:
    """Return Azure's code of an error, or the HTTP status where the response had none."""
    # A member of an enumeration if the SDK knows the code, otherwise text.
    code = getattr(exc, "error_code", None)
    return str(getattr(code, "value", code) or exc.status_code or "")


def _translate(exc: HttpResponseError) -> UploadError:
    code, status = error_code(exc), exc.status_code
    if code in _PROBLEMS:
        return StoreMisconfiguredError(*_PROBLEMS[code])
    _logger.warning("Azure refused a request: %s", code)
    is_client_error = status is not None and 400 <= status < 500  # noqa: PLR2004  # HTTP's classes
    # A response without Azure's code may come from a proxy.
    if is_client_error and status not in _TRANSIENT and not code.isdecimal():
        return StoreRefusedError(code)
    return StoreUnavailableError(f"it answers {code}")
