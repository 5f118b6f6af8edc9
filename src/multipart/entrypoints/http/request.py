"""Requests whose JSON is decoded at once, and strictly, into the type that the route takes."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import URL
from litestar.exceptions import HTTPException, InternalServerException
from litestar.handlers import BaseRouteHandler

from ...domain.errors import FieldError, InvalidFieldsError
from .validation.field_rules import body_errors
from .validation.parameter_rules import has_repeated_parameters, parameter_errors

_JSON: Final = "application/json"
_UNFINISHED: Final = "The request body ends before its length."
_NO_ADDRESS: Final = URL("/")
_Struct = type[msgspec.Struct]


class StatedError(HTTPException):
    """A refusal whose detail is a sentence of ours."""


class MalformedBodyError(StatedError):
    """The body cannot be read as a JSON object."""

    status_code = 400

    def __init__(self, sentence: str = "The request body is not a JSON object.") -> None:
        super().__init__(detail=sentence)


class UnsupportedMediaTypeError(StatedError):
    """The body's media type is not JSON, or not given."""

    status_code = 415

    def __init__(self) -> None:
        super().__init__(
            detail="The request body must be JSON with the header Content-Type: application/json."
        )


class ServiceRequest(Request[Any, Any, Any]):
    """A request as every route gets it."""

    __slots__ = ("_decoded",)

    _decoded: Any

    @property
    def url(self) -> URL:
        """Return no address: only Litestar's errors need one, and `Host` may be anything."""
        return _NO_ADDRESS

    async def body(self) -> bytes:
        """Return the body. Raise MalformedBodyError if the client ends before it."""
        try:
            return await super().body()
        except InternalServerException:  # Litestar's for a client that has gone
            raise MalformedBodyError(_UNFINISHED) from None

    async def json(self) -> Any:
        """Return the body as the type that the route takes.

        Raise MalformedBodyError, or InvalidFieldsError for all wrong fields and parameters.
        """
        try:
            return self._decoded
        except AttributeError:
            self._decoded = self._decode(await self.body())
        return self._decoded

    def _decode(self, body: bytes) -> Any:
        if (kind := body_type(self.route_handler)) is None:
            return None
        try:
            return _decoder(kind).decode(body)
        except msgspec.ValidationError:
            wrong = [*parameter_errors(self), *body_errors(_read_object(body), kind)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedBodyError from None
        # The decoder reads every value of a name that comes twice, `body_errors` only the last.
        raise InvalidFieldsError(wrong or [FieldError("body", "must name every field once")])


async def check_request(request: Request[Any, Any, Any]) -> None:
    """Raise what is wrong with the body, or with a parameter that comes more than once."""
    if body_type(request.route_handler) is not None:
        await request.json()
    if has_repeated_parameters(request):
        raise InvalidFieldsError(parameter_errors(request))


async def check_api_request(request: Request[Any, Any, Any]) -> None:
    """Check a request of the REST interface, whose bodies are `application/json` and nothing else.

    A page of any other site may send forms and plain text with a user's cookies, unasked.
    """
    if body_type(request.route_handler) is not None:
        _require_json(request)
    await check_request(request)


def _require_json(request: Request[Any, Any, Any]) -> None:
    found = request.headers.getall("content-type", [])
    if [text.partition(";")[0].strip().lower() for text in found] == [_JSON]:
        return
    # Only for a body: without one, that is what is missing.
    if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
        raise UnsupportedMediaTypeError


@cache
def body_type(handler: BaseRouteHandler) -> _Struct | None:
    """Return the type of the JSON that a route takes; None if it takes none."""
    field = handler.parsed_fn_signature.parameters.get("data")
    return field.annotation if field else None


@cache
def _decoder(kind: _Struct) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedBodyError from None
    if not isinstance(found, dict):
        raise MalformedBodyError
    return found
