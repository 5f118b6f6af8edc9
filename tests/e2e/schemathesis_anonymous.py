"""Schemathesis without credentials: no request may succeed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import schemathesis

from .schemathesis_hooks import filter_failure

__all__ = ["filter_failure"]


@schemathesis.check
def refuse_anonymous_requests(ctx: Any, response: Any, case: Any) -> None:  # noqa: ARG001
    """Require a refusal, except of preflights and probes, which have no credentials."""
    is_open = case.method.upper() == "OPTIONS" or case.operation.path.startswith("/health/")
    if not is_open and response.status_code < HTTPStatus.BAD_REQUEST:
        msg = f"an anonymous request was answered {response.status_code}"
        raise AssertionError(msg)
