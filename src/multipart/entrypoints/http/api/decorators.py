"""Route decorators of the REST interface, with its errors in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from litestar import get, post

from ..problems.openapi import OperationWithoutDefault400, document_problems

_QUERY_ERRORS: Final = (404, 409, 422, 503)
_COMMAND_ERRORS: Final = (400, 404, 409, 413, 415, 422, 503)
LIMITED_QUERY_ERRORS: Final = tuple(sorted((*_QUERY_ERRORS, 429)))
LIMITED_COMMAND_ERRORS: Final = tuple(sorted((*_COMMAND_ERRORS, 429)))
"""Those of routes with a rate limit."""


def query(
    path: str, *, operation_id: str, summary: str, errors: Collection[int] = _QUERY_ERRORS
) -> get:
    """Decorate a handler that answers a GET."""
    return get(
        path,
        operation_id=operation_id,
        summary=summary,
        responses=document_problems(*errors),
        operation_class=OperationWithoutDefault400,
    )


def command(
    path: str, *, operation_id: str, summary: str, errors: Collection[int] = _COMMAND_ERRORS
) -> post:
    """Decorate a handler that answers a POST with 200."""
    return post(
        path,
        status_code=200,
        operation_id=operation_id,
        summary=summary,
        responses=document_problems(*errors),
        operation_class=OperationWithoutDefault400,
    )
