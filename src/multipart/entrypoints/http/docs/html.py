"""Render an OpenAPI document as one page of HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from textwrap import dedent
from typing import Any, Final

from .flow import ORDER
from .members import Member, list_body_members, list_parameter_members

_CODE: Final = re.compile(r"`([^`]+)`")
_Json = Mapping[str, Any]


def render_page(document: _Json) -> str:
    """Return the whole page."""
    title, version = escape(document["info"]["title"]), escape(document["info"]["version"])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="stylesheet" href="/docs/docs.css">
<link rel="icon" href="data:,">
</head>
<body>
<nav aria-label="Operations">{_navigation(document)}</nav>
<main>
<h1>{title} <small>{version}</small></h1>
<p><a href="/docs/openapi.json">openapi.json</a> is this document for programs.</p>
{render_prose(document["info"]["description"])}
{"".join(_section(document, tag) for tag in document["tags"])}
{_errors(document)}
</main>
</body>
</html>
"""


def render_prose(text: str) -> str:
    """Return paragraphs; an indented one is code, as is text between backticks."""
    return "".join(
        f"<pre>{escape(dedent(block))}</pre>"
        if block.startswith("    ")
        else f"<p>{_inline(block)}</p>"
        for block in text.strip("\n").split("\n\n")
    )


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _operations(document: _Json, tag: str) -> list[tuple[str, str, _Json]]:
    found = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag in operation["tags"]
    ]
    return sorted(found, key=lambda item: ORDER.index(item[2]["operationId"]))


def _navigation(document: _Json) -> str:
    lists = "".join(
        f"<h2>{_link(tag['name'], tag['name'])}</h2><ul>"
        + "".join(
            f"<li>{_link(operation['operationId'], operation['summary'])}"
            for _, _, operation in _operations(document, tag["name"])
        )
        + "</ul>"
        for tag in document["tags"]
    )
    return f"{lists}<h2>{_link('Errors', 'Errors')}</h2>"


def _link(name: str, text: str) -> str:
    return f'<a href="#{escape(name)}">{escape(text)}</a>'


def _section(document: _Json, tag: _Json) -> str:
    operations = "".join(
        _operation(document, method, path, operation)
        for method, path, operation in _operations(document, tag["name"])
    )
    return (
        f'<section id="{escape(tag["name"])}"><h2>{escape(tag["name"])}</h2>'
        f"{render_prose(tag['description'])}{operations}</section>"
    )


def _operation(document: _Json, method: str, path: str, operation: _Json) -> str:
    return (
        f'<article id="{escape(operation["operationId"])}"><h3>{escape(operation["summary"])}</h3>'
        f'<p class="route"><b>{method}</b> <code>{escape(path)}</code></p>'
        f"{render_prose(operation['description'])}"
        f"{_table('Parameters', list_parameter_members(operation, document))}"
        f"{_request_body(document, operation)}"
        f"{''.join(_response(document, *item) for item in operation['responses'].items())}"
        "</article>"
    )


def _request_body(document: _Json, operation: _Json) -> str:
    if "requestBody" not in operation:
        return ""
    (content,) = operation["requestBody"]["content"].values()
    members = list_body_members(content["schema"], document)
    return _table("Body", members) + _example(content["example"])


def _response(document: _Json, status: str, response: _Json) -> str:
    ((media_type, content),) = response["content"].items()
    summary = f"<summary><b>{status}</b> {_inline(response['description'])}</summary>"
    shown = "".join(
        f"<h4><code>{escape(code)}</code></h4>{_example(example['value'])}"
        for code, example in content.get("examples", {}).items()
    )
    if "example" in content:
        members = list_body_members(content["schema"], document)
        shown = _table(f"Answer, {media_type}", members) + _example(content["example"])
    return f"<details{' open' if status == '200' else ''}>{summary}{shown}</details>"


def _errors(document: _Json) -> str:
    schemas = document["components"]["schemas"]
    tables = "".join(
        _table(schemas[name]["description"], list_body_members(schemas[name], document))
        for name in ("Problem", "CompanionError")
    )
    return f'<section id="Errors"><h2>Errors</h2>{tables}</section>'


def _table(caption: str, members: list[Member]) -> str:
    if not members:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(member.name)}</code>{'' if member.required else ' optional'}"
        f"<td>{escape(member.rule)}<td>{_inline(member.description)}"
        for member in members
    )
    return f"<table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table>"


def _example(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
