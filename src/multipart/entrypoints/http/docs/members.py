"""Describe the members of a JSON Schema for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a field of a body."""

    name: str
    rule: str
    description: str
    required: bool


def list_parameter_members(operation: _Json, document: _Json) -> list[Member]:
    """Describe the parameters of an operation."""
    return [
        Member(
            parameter["name"],
            f"{describe_values(parameter['schema'], document)}, in {parameter['in']}",
            parameter["description"],
            parameter.get("required", False),
        )
        for parameter in operation.get("parameters", ())
    ]


def list_body_members(schema: _Json, document: _Json, within: str = "") -> list[Member]:
    """Describe the fields of a body; nested fields have their path as name."""
    schema = resolve(schema, document)
    if schema.get("type") == "array":
        return list_body_members(schema["items"], document, f"{within}[].")
    found: list[Member] = []
    for name, inner in schema.get("properties", {}).items():
        path = f"{within}{name}"
        described = inner.get("description") or resolve(inner, document).get("description", "")
        is_required = name in schema.get("required", ())
        found.append(Member(path, describe_values(inner, document), described, is_required))
        items = resolve(inner, document).get("items")
        if items and resolve(items, document).get("properties"):
            found += list_body_members(items, document, f"{path}[].")
    return found


def example_of(schema: _Json, document: _Json) -> Any:
    """Build an example from the examples of the members."""
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    if "default" in schema:
        return schema["default"]
    if "$ref" in schema:
        return example_of(resolve(schema, document), document)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], document)
    if schema.get("type") == "array":
        return [example_of(schema["items"], document)]
    return {
        name: example_of(inner, document) for name, inner in schema.get("properties", {}).items()
    }


def resolve(schema: _Json, document: _Json) -> _Json:
    """Follow a reference."""
    if "$ref" not in schema:
        return schema
    found: _Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def describe_values(schema: _Json, document: _Json) -> str:
    """Describe the allowed values in a few words."""
    schema = resolve(schema, document)
    if "anyOf" in schema:
        return " or ".join(describe_values(option, document) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        items = describe_values(schema["items"], document)
        grouped = f"({items})" if "anyOf" in schema["items"] else items
        return f"list of {grouped}{_bounds(schema, 'Items')}"
    length = _bounds(schema, "Length") or _bounds(schema, "Properties")
    return f"{_type(schema)}{length}{_range(schema)}"


def _type(schema: _Json) -> str:
    return str(schema.get("format") or schema.get("type", "any JSON"))


def _bounds(schema: _Json, of: str) -> str:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    return _between(least, most, " characters" if of == "Length" else " entries")


def _range(schema: _Json) -> str:
    return _between(schema.get("minimum"), schema.get("maximum"), "")


def _between(least: int | None, most: int | None, unit: str) -> str:
    if least is None and most is None:
        return ""
    numbers: Sequence[str] = [f"{number:,}" for number in (least, most) if number is not None]
    if len(numbers) > 1:
        return f", {numbers[0]} to {numbers[1]}{unit}"
    return f", {numbers[0]} or {'more' if most is None else 'fewer' if unit else 'less'}{unit}"
