"""Find every rule that decoded JSON breaks, with a message for people.

msgspec stops at the first error and describes it for programmers. Its decoder is the fast path;
this module checks the same types only after the decoder refused a body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import inspect as types

from ....domain.errors import MAX_FIELD_ERRORS, FieldError
from ...terminal import escape_unprintable
from .limits import NO_NUL, RULES

_MAX_NAME: Final = 64
_REQUIRED: Final = "is required"


@cache
def inspect_type(annotation: Any) -> types.Type:
    """Return msgspec's description of a type."""
    return types.type_info(annotation)


def body_errors(body: Mapping[str, Any], kind: type[msgspec.Struct]) -> list[FieldError]:
    """Return one error for each wrong field of a JSON object, MAX_FIELD_ERRORS + 1 at most.

    If the type has a method `rule_errors`, it checks the fields whose types are right.
    """
    errors = list(islice(value_errors(body, inspect_type(kind), ""), MAX_FIELD_ERRORS + 1))
    if rule_errors := getattr(kind, "rule_errors", None):
        wrong = {re.split(r"[.\[]", error.field, maxsplit=1)[0] for error in errors}
        errors += rule_errors({name: body[name] for name in body if name not in wrong})
    return errors


def value_errors(value: object, kind: types.Type, path: str) -> Iterator[FieldError]:
    """Yield an error for each rule of a type that a value or a nested value breaks."""
    match kind:
        case types.Metadata():
            yield from value_errors(value, kind.type, path)
        case types.StructType() if isinstance(value, dict):
            yield from _object_errors(value, kind, path)
        case types.DictType() if isinstance(value, dict):
            for name, item in value.items():
                yield from value_errors(item, kind.value_type, _join(path, _shorten(name)))
        case types.ListType() if isinstance(value, list) and _has_length(value, kind):
            yield from _item_errors(value, kind.item_type, path)
        case types.UnionType():
            yield from _union_errors(value, kind, path)
        case _ if not _fits(value, kind):
            yield FieldError(path, rule_message(kind))


def rule_message(kind: types.Type) -> str:  # noqa: PLR0911  # one return for each type
    """Return the message that states the rule of a type."""
    match kind:
        case types.Metadata():
            return rule_message(kind.type)
        case types.IntType():
            return f"must be a whole number{_range(kind.ge, kind.le)}"
        case types.StrType():
            ending = " without NUL" if kind.pattern == NO_NUL else ""
            in_general = f"must be text{_length(kind, 'characters')}{ending}"
            return RULES.get(kind.pattern or "", in_general)
        case types.ListType():
            return f"must be a list{_length(kind, 'items')}"
        case types.LiteralType() | types.EnumType():
            return f"must be {_choice(_allowed(kind))}"
        case types.UnionType():
            rules = [rule_message(one) for one in _without_null(kind)]
            return f"must be {' or '.join(text.removeprefix('must be ') for text in rules)}"
        case types.DictType():
            return "must be an object whose values are texts"
        case _:
            return "must be an object"


def _object_errors(
    value: dict[str, Any], kind: types.StructType, path: str
) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in kind.fields}
    for name, field in fields.items():
        if name in value:
            yield from value_errors(value[name], field.type, _join(path, name))
        elif field.required:
            yield FieldError(_join(path, name), _REQUIRED)
    if kind.forbid_unknown_fields:
        known = f"is not known here; the fields are {', '.join(fields)}"
        for name in value:
            if name not in fields:
                yield FieldError(_join(path, _shorten(name)), known)


def _item_errors(value: list[Any], kind: types.Type, path: str) -> Iterator[FieldError]:
    for index, item in enumerate(value):
        if isinstance(kind, types.StructType) and _converts(item, kind.cls):
            continue  # ten times as fast as checking each field
        yield from value_errors(item, kind, f"{path}[{index}]")


def _union_errors(value: object, kind: types.UnionType, path: str) -> Iterator[FieldError]:
    errors_by_type = [(one, [*value_errors(value, one, path)]) for one in kind.types]
    if not all(errors for _, errors in errors_by_type):
        return
    for one, errors in errors_by_type:
        # The only list or object among the types: report the errors inside it.
        if errors[0].field != path or _is_list_for(value, one):
            yield from errors
            return
    yield FieldError(path, rule_message(kind))


def _is_list_for(value: object, kind: types.Type) -> bool:
    inner = kind.type if isinstance(kind, types.Metadata) else kind
    return isinstance(value, list) and isinstance(inner, types.ListType)


def _fits(value: object, kind: types.Type) -> bool:
    match kind:
        case types.AnyType():
            return True
        case types.NoneType():
            return value is None
        case types.IntType():
            is_number = isinstance(value, int) and not isinstance(value, bool)
            return is_number and _is_between(value, kind.ge, kind.le)
        case types.StrType():
            return isinstance(value, str) and _has_length(value, kind) and _matches(value, kind)
        case types.LiteralType() | types.EnumType():
            return value in _allowed(kind)
        case _:
            return False


def _matches(text: str, kind: types.StrType) -> bool:
    return kind.pattern is None or re.search(kind.pattern, text) is not None


def _has_length(value: Any, kind: types.StrType | types.ListType) -> bool:
    return _is_between(len(value), kind.min_length, kind.max_length)


def _is_between(value: Any, minimum: Any, maximum: Any) -> bool:
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum)


def _converts(value: object, kind: type) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _allowed(kind: types.LiteralType | types.EnumType) -> list[Any]:
    if isinstance(kind, types.LiteralType):
        return [*kind.values]
    return [member.value for member in kind.cls]


def _choice(values: list[Any]) -> str:
    return str(values[0]) if len(values) == 1 else f"one of {', '.join(map(str, values))}"


def _without_null(kind: types.UnionType) -> list[types.Type]:
    return [one for one in kind.types if not isinstance(one, types.NoneType)]


def _length(kind: types.StrType | types.ListType, unit: str) -> str:
    least, most = kind.min_length or 0, kind.max_length
    if most is None:
        return f" of at least {least:,} {unit}" if least > 1 else ", not empty" if least else ""
    return f" of {least:,} to {most:,} {unit}" if least else f" of at most {most:,} {unit}"


def _range(least: int | None, most: int | None) -> str:
    if most is None:
        return "" if least is None else f", {least:,} or more"
    return f", at most {most:,}" if least is None else f" from {least:,} to {most:,}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shorten(name: str) -> str:
    text = escape_unprintable(name)
    return text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}..."
