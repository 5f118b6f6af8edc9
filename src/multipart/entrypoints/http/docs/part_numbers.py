"""The part numbers that this service's own store takes, in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from ....domain.limits import MAX_PART_COUNT

_IN_WORDS: Final = f"1 to {MAX_PART_COUNT}"


def limit_part_numbers(document: dict[str, Any], max_parts: int) -> dict[str, Any]:
    """Lower the bound of every part number from S3's to the store's."""
    if max_parts != MAX_PART_COUNT:
        _lower(document, max_parts)
    return document


def _lower(node: Any, max_parts: int) -> None:
    if isinstance(node, list):
        for item in node:
            _lower(item, max_parts)
    if not isinstance(node, dict):
        return
    if node.get("maximum") == MAX_PART_COUNT:
        node["maximum"] = max_parts
    if isinstance(node.get("description"), str):
        node["description"] = node["description"].replace(_IN_WORDS, f"1 to {max_parts}")
    for item in node.values():
        _lower(item, max_parts)
