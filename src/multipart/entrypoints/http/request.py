"""Requests whose JSON is decoded strictly into the type that the route declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import URL
from litestar.exceptions import HTTPException, InternalServerException
from litestar.handlers import BaseRouteHandler

from ...domain.errors import FieldError, InvalidFieldsError
from .principal import find_principal
from .validation.field_rules import body_errors
from .validation.parameter_rules import has_repeated_parameters, parameter_errors

_JSON: Final = "application/json"
_UNFINISHED: Final = "The request body ends before its length."
_EMPTY_URL: Final = URL("/")
_USER: Final = "user_id"
_Struct = type[msgspec.Struct]


class RequestError(HTTPException):
    """A refused request; its detail is a message of the service, not of Litestar."""


class MalformedBodyError(RequestError):
    """The body cannot be read as a JSON object."""

    status_code = 400

    def __init__(self, message: str = "The request body is not a JSON object.") -> None:
        super().__init__(detail=message)


class UnsupportedMediaTypeError(RequestError):
    """The media type of the body is missing or not JSON."""

    status_code = 415

    def __init__(self) -> None:
        super().__init__(
            detail="The request body must be JSON with the header Content-Type: application/json."
        )


class ServiceRequest(Request[Any, Any, Any]):
    """The request class of all routes."""

    __slots__ = ("_decoded",)

    _decoded: Any

    @property
    def url(self) -> URL:
        """Return an empty URL: only Litestar's errors use it, and `Host` cannot be trusted."""
        return _EMPTY_URL

    async def body(self) -> bytes:
        """Return the body. Raise MalformedBodyError if the client disconnects before its end."""
        try:
            return await super().body()
        except InternalServerException:  # Litestar raises it when the client disconnects
            raise MalformedBodyError(_UNFINISHED) from None

    async def json(self) -> Any:
        """Return the body as the type that the route declares.

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
            found = _read_object(body)
            if user_id := self._missing_user(found, kind):
                return self._decode(_add_user(user_id, body))
            wrong = [*parameter_errors(self), *body_errors(found, kind)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedBodyError from None
        # The decoder reads both values of a repeated name, `body_errors` only the last one.
        raise InvalidFieldsError(wrong or [FieldError("body", "must name every field once")])

    def _missing_user(self, found: Mapping[str, Any], kind: _Struct) -> str | None:
        """Return the authenticated caller, if the body needs a user and does not name one."""
        principal = find_principal(self.scope)
        is_missing = _USER not in found and _requires_user(kind)
        return principal.user_id if principal and is_missing else None


async def check_request(request: Request[Any, Any, Any]) -> None:
    """Raise the errors of the body, or of parameters if one is repeated."""
    if body_type(request.route_handler) is not None:
        await request.json()
    _refuse_repeated_parameters(request)


async def check_api_request(request: Request[Any, Any, Any]) -> None:
    """Check a request of the REST interface, which accepts only `application/json`.

    A page of any other site can send forms and plain text with a user's cookies.
    """
    if body_type(request.route_handler) is not None:
        _require_json(request)
        await request.json()
    _refuse_repeated_parameters(request)


def _refuse_repeated_parameters(request: Request[Any, Any, Any]) -> None:
    if has_repeated_parameters(request):
        raise InvalidFieldsError(parameter_errors(request))


def _require_json(request: Request[Any, Any, Any]) -> None:
    found = request.headers.getall("content-type", [])
    if [text.partition(";")[0].strip().lower() for text in found] == [_JSON]:
        return
    # Without a body, the missing body is the error.
    if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
        raise UnsupportedMediaTypeError


@cache
def body_type(handler: BaseRouteHandler) -> _Struct | None:
    """Return the type of the JSON body that a route declares; None if it has no body."""
    field = handler.parsed_fn_signature.parameters.get("data")
    return field.annotation if field else None


@cache
def _decoder(kind: _Struct) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _requires_user(kind: _Struct) -> bool:
    return any(
        field.encode_name == _USER and field.required for field in msgspec.structs.fields(kind)
    )


def _add_user(user_id: str, body: bytes) -> bytes:
    """Add the user to a JSON object."""
    # Inserted as text: parsing and encoding the body again would hide repeated names.
    rest = body.lstrip()[1:]
    comma = b"" if rest.lstrip().startswith(b"}") else b","
    return b'{"user_id":%b%b%b' % (msgspec.json.encode(user_id), comma, rest)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedBodyError from None
    if not isinstance(found, dict):
        raise MalformedBodyError
    return found
