"""The OpenAPI document of Litestar, with the schemas that the decoder enforces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from inspect import cleandoc
from types import ModuleType
from typing import Any, Final

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import OpenAPI
from msgspec import Struct
from msgspec.json import schema_components

from ....domain.limits import MAX_PART_COUNT
from ..companion.errors import problem_statuses, rewrite_problem
from ..example_values import REQUEST_ID
from ..problems.examples import examples_for
from ..problems.handlers import MEDIA_TYPE
from ..rate_limit_headers import POLICY, REMAINING
from .authentication import add_authentication
from .flow import LINKS, ORDER
from .members import example_of, resolve

_PART_NUMBER_RANGE: Final = f"1 to {MAX_PART_COUNT}"
_REFERENCE: Final = "#/components/schemas/{name}"
# Needed in Python's regular expressions, not in those of JSON Schema.
_PYTHON_ONLY: Final = r"(?!\n)"
_REDUNDANT: Final = frozenset({"deprecated", "allowEmptyValue", "allowReserved"})
_HEADERS: Final = {
    "X-Request-ID": {
        "description": "The X-Request-ID of the request, or a new one. It is also in the log.",
        "schema": {"type": "string"},
        "example": REQUEST_ID,
    }
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds to wait before repeating the request.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    }
}
_RETRIED: Final = frozenset({409, 429, 503})
_LIMITED: Final = "429"
_RATE_LIMIT: Final = {
    POLICY: {
        "description": "The rate limits of the caller, if there are any: `q` units within `w` "
        "seconds.",
        "schema": {"type": "string"},
        "example": '"urls";q=1000;w=60',
    },
    REMAINING: {
        "description": "What remains of them: `r` units, and more in `t` seconds.",
        "schema": {"type": "string"},
        "example": '"urls";r=988;t=5',
    },
}


@dataclass
class ApiConfig(OpenAPIConfig):
    """Configuration of Litestar that creates an `ApiDocument` with the structs of these modules."""

    modules: Sequence[ModuleType] = ()
    max_parts: int = MAX_PART_COUNT
    authentication: Sequence[str] = ()

    def to_openapi_schema(self) -> OpenAPI:
        """Return the document before Litestar adds the routes."""
        plain = super().to_openapi_schema()
        given = {item.name: getattr(plain, item.name) for item in fields(plain)}
        return ApiDocument(
            **given,
            modules=self.modules,
            max_parts=self.max_parts,
            authentication=self.authentication,
        )


@dataclass
class ApiDocument(OpenAPI):
    """A document with routes in the order of the flow, real examples and exact bounds."""

    modules: Sequence[ModuleType] = field(default=())
    max_parts: int = MAX_PART_COUNT
    authentication: Sequence[str] = ()

    @property
    def _exclude_fields(self) -> set[str]:
        return {*super()._exclude_fields, "modules", "max_parts", "authentication"}

    def to_schema(self) -> dict[str, Any]:
        """Return the document as JSON."""
        document = super().to_schema()
        schemas = _schemas(document["components"]["schemas"], self.modules)
        _require_defaults(schemas, _request_schemas(document, schemas))
        document["components"]["schemas"] = schemas
        document["paths"] = dict(sorted(document["paths"].items(), key=_position_in_flow))
        for path in document["paths"].values():
            for operation in path.values():
                _complete_operation(operation, document)
        add_authentication(document, self.authentication)
        cleaned: dict[str, Any] = _clean(document)
        return _limit_part_numbers(cleaned, self.max_parts)


def _position_in_flow(item: tuple[str, Mapping[str, Any]]) -> int:
    return min(ORDER.index(operation["operationId"]) for operation in item[1].values())


def _schemas(used: Iterable[str], modules: Sequence[ModuleType]) -> dict[str, Any]:
    structs = {
        found.__name__: found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Struct)
    }
    wanted = [structs[name] for name in used if name in structs]
    _, components = schema_components(wanted, ref_template=_REFERENCE)
    return {name: components[name] for name in sorted(components)}


def _request_schemas(document: Mapping[str, Any], schemas: Mapping[str, Any]) -> set[str]:
    """Return the names of the schemas of request bodies and of the schemas within them."""
    waiting = {
        name
        for path in document["paths"].values()
        for operation in path.values()
        for name in _references(operation.get("requestBody"))
    }
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting.update(set(_references(schemas[name])) - found)
    return found


def _references(node: Any) -> Iterator[str]:
    """Yield the names of the schemas to which a part of the document refers."""
    if isinstance(node, dict) and "$ref" in node:
        yield node["$ref"].rpartition("/")[2]
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for item in inner:
        yield from _references(item)


def _require_defaults(schemas: Mapping[str, Any], requests: Collection[str]) -> None:
    """Mark fields with defaults as required in answers, which always contain them."""
    for name in schemas.keys() - requests:
        schema = schemas[name]
        always = [key for key, inner in schema.get("properties", {}).items() if "default" in inner]
        if always:
            schema["required"] = [*schema.get("required", ()), *always]


def _complete_operation(operation: dict[str, Any], document: Mapping[str, Any]) -> None:
    name = operation["operationId"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example_of(content["schema"], document)
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
        parameter["schema"].pop("description", None)
    is_limited = _LIMITED in operation["responses"]
    for status, response in operation["responses"].items():
        response["headers"] = {**_HEADERS, **(_RETRY_AFTER if int(status) in _RETRIED else {})}
        if is_limited and status in {"200", _LIMITED}:
            response["headers"] |= _RATE_LIMIT
        if int(status) < HTTPStatus.BAD_REQUEST:
            _complete_success(name, response, document)
        else:
            _add_examples(name, int(status), response["content"])


def _complete_success(name: str, response: dict[str, Any], document: Mapping[str, Any]) -> None:
    for content in response["content"].values():
        content["example"] = example_of(content["schema"], document)
        described = resolve(content["schema"], document).get("description")
        response["description"] = described or response["description"]
    if name in LINKS:
        response["links"] = LINKS[name]


def _add_examples(name: str, status: int, content: dict[str, Any]) -> None:
    is_companion = MEDIA_TYPE not in content
    statuses = problem_statuses(status) if is_companion else [status]
    found = [example for own in statuses for example in examples_for(name, own)]
    for described in content.values():
        described["examples"] = {
            str(example["code"]): {
                "summary": example["detail"],
                "value": rewrite_problem(example, REQUEST_ID) if is_companion else example,
            }
            for example in found
        }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove null from an optional parameter: a query cannot contain it."""
    options = schema.pop("oneOf", None)
    if options is None:
        return schema
    (only,) = [option for option in options if option != {"type": "null"}]
    return {**only, **schema}


def _clean(value: Any) -> Any:
    """Remove what only Python or Litestar needs."""
    if isinstance(value, Mapping):
        return {
            name: _clean_text(name, item) if isinstance(item, str) else _clean(item)
            for name, item in value.items()
            if not (name in _REDUNDANT and item is False)
        }
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _clean_text(name: str, text: str) -> str:
    if name == "pattern":
        return text.replace(_PYTHON_ONLY, "")
    return cleandoc(text) if name == "description" else text


def _limit_part_numbers(document: dict[str, Any], max_parts: int) -> dict[str, Any]:
    """Lower the upper bound of every part number from that of S3 to that of the store."""
    if max_parts != MAX_PART_COUNT:
        _lower_bounds(document, max_parts)
    return document


def _lower_bounds(node: Any, max_parts: int) -> None:
    if isinstance(node, list):
        for item in node:
            _lower_bounds(item, max_parts)
    if not isinstance(node, dict):
        return
    if node.get("maximum") == MAX_PART_COUNT:
        node["maximum"] = max_parts
    if isinstance(node.get("description"), str):
        node["description"] = node["description"].replace(_PART_NUMBER_RANGE, f"1 to {max_parts}")
    for item in node.values():
        _lower_bounds(item, max_parts)
