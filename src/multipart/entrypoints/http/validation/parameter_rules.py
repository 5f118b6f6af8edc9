"""Find every rule that query, headers and path of a request break."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

from litestar import Request
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, ParameterKwarg, PathParameter, QueryParameter
from litestar.typing import FieldDefinition
from msgspec import Meta
from msgspec import inspect as types

from ....domain.errors import FieldError
from .field_rules import inspect_type, rule_message, value_errors

_AnyRequest = Request[Any, Any, Any]

_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_BOUNDS: Final = ("ge", "le", "min_length", "max_length", "pattern")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route; `kind` is the type of each value."""

    name: str
    source: ParamType
    kind: types.Type
    is_required: bool
    may_repeat: bool
    max_times: int

    def texts(self, request: _AnyRequest) -> Sequence[str]:
        """Return the values of the parameter in a request."""
        if self.source is ParamType.QUERY:
            return request.query_params.getall(self.name, [])
        if self.source is ParamType.HEADER:
            return request.headers.getall(self.name, [])
        return [str(request.path_params[self.name])] if self.name in request.path_params else []

    def errors(self, request: _AnyRequest) -> Iterator[FieldError]:
        """Yield the rules that the parameter breaks in a request."""
        texts = self.texts(request)
        if not texts and self.is_required:
            yield FieldError(self.name, "is required")
        if len(texts) > 1 and not self.may_repeat:
            yield FieldError(self.name, f"is given {len(texts)} times, must be given once")
        elif len(texts) > self.max_times:
            yield FieldError(self.name, f"must be given {self.max_times} times at most")
        elif any(self._is_wrong(text) for text in texts):
            yield FieldError(self.name, rule_message(self.kind))

    def _is_wrong(self, text: str) -> bool:
        is_number = isinstance(self.kind, types.IntType) and _WHOLE_NUMBER.fullmatch(text)
        return any(value_errors(int(text) if is_number else text, self.kind, self.name))


@cache
def parameters_of(handler: BaseRouteHandler) -> tuple[Parameter, ...]:
    """Return the parameters of a route, which exclude its body."""
    fields = handler.parsed_fn_signature.parameters.values()
    return tuple(
        _parse_parameter(field, field.kwarg_definition)
        for field in fields
        # Litestar also counts dependencies as parameters.
        if isinstance(field.kwarg_definition, QueryParameter | HeaderParameter | PathParameter)
    )


def parameter_errors(request: _AnyRequest) -> list[FieldError]:
    """Return one error for each parameter that is wrong."""
    parameters = parameters_of(request.route_handler)
    return [error for parameter in parameters for error in parameter.errors(request)]


def has_repeated_parameters(request: _AnyRequest) -> bool:
    """Return whether the request repeats a parameter that must not be repeated."""
    query = request.query_params
    headers = [*request.scope["headers"]]
    if len({*query}) == len(query) and len({name for name, _ in headers}) == len(headers):
        return False
    return any(
        len(parameter.texts(request)) > 1
        for parameter in parameters_of(request.route_handler)
        if not parameter.may_repeat
    )


def _parse_parameter(field: FieldDefinition, definition: ParameterKwarg) -> Parameter:
    inner = next((one for one in field.inner_types if not one.is_none_type), field)
    is_list = inner.is_non_string_sequence if field.is_union else field.is_non_string_sequence
    single = inner if field.is_union or is_list else field
    if is_list:
        single = next(iter((inner if field.is_union else field).inner_types))
    bounds = {} if is_list else {name: getattr(definition, name) for name in _BOUNDS}
    return Parameter(
        name=definition.name or field.name,
        source=definition.param_type,
        kind=_unwrap(inspect_type(Annotated[single.annotation, Meta(**bounds)])),
        is_required=not field.has_default and not field.is_optional,
        may_repeat=is_list,
        max_times=definition.max_items or 1,
    )


def _unwrap(kind: types.Type) -> types.Type:
    return _unwrap(kind.type) if isinstance(kind, types.Metadata) else kind
