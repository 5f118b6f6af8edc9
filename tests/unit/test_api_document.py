"""The OpenAPI document describes everything that a client sends and gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from multipart_upload.container import Container
from multipart_upload.domain.errors import UploadError
from multipart_upload.domain.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE
from multipart_upload.entrypoints.http.app import create_app
from multipart_upload.entrypoints.http.docs.flow import ORDER
from multipart_upload.entrypoints.http.docs.html import render_page
from multipart_upload.entrypoints.http.problems.examples import AUTHENTICATION_EXAMPLES, EXAMPLES
from multipart_upload.settings import load_settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_app(Container(settings=load_settings(s3_bucket_name="bucket")))
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    return schema


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    items = value if isinstance(value, dict) else {}
    for name, inner in items.items():
        yield from walk(inner, f"{path}/{name}")
    for inner in value if isinstance(value, list) else ():
        yield from walk(inner, f"{path}/-")


def leaves(kind: type[UploadError]) -> Iterator[type[UploadError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from leaves(narrower)


def test_operations_are_in_the_order_of_the_flow(document: dict[str, Any]) -> None:
    first_of_paths = [
        ORDER.index(next(iter(path.values()))["operationId"]) for path in document["paths"].values()
    ]

    assert next(iter(document["paths"])) == "/api/start-upload"
    assert {operation["operationId"] for operation in operations(document)} == set(ORDER)
    assert first_of_paths[:10] == list(range(10))


@pytest.mark.parametrize("name", ["summary", "operationId"])
def test_operation_names_are_unique(document: dict[str, Any], name: str) -> None:
    names = [operation[name] for operation in operations(document)]

    assert len(names) == len(set(names))


def test_every_parameter_and_every_member_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        f"{schema}.{name}"
        for schema, found in document["components"]["schemas"].items()
        for name, inner in found.get("properties", {}).items()
        if not inner.get("description")
    ]
    undescribed += [
        f"{operation['operationId']}.{parameter['name']}"
        for operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]

    assert undescribed == []


def test_part_of_a_batch_may_leave_out_its_size(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["ReportedPart"]

    assert schema["required"] == ["part_number", "etag"]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = {value for path, value in walk(document) if path.endswith("/$ref")}
    linked = {value for path, value in walk(document) if re.search("/links/.*/operationId$", path)}

    assert references
    assert all(
        reference.rpartition("/")[2] in document["components"]["schemas"]
        for reference in references
    )
    assert linked
    assert linked <= set(ORDER)


def test_patterns_are_valid_json_schema(document: dict[str, Any]) -> None:
    patterns = [value for path, value in walk(document) if path.endswith("/pattern")]

    assert patterns
    assert [pattern for pattern in patterns if "(?" in pattern] == []


def test_every_error_of_the_service_has_an_example() -> None:
    codes = {kind.code for kind in leaves(UploadError)} - {UploadError.code}

    assert {example.error.code for example in (*EXAMPLES, *AUTHENTICATION_EXAMPLES)} == codes


def test_error_examples_have_documented_members(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    shown = 0
    for operation in operations(document):
        for status, response in operation["responses"].items():
            for content in response["content"].values():
                schema = schemas.get(content["schema"].get("$ref", "").rpartition("/")[2], {})
                for code, example in content.get("examples", {}).items():
                    shown += 1
                    assert example["value"]["code"] == code
                    assert example["value"].get("status", int(status)) == int(status)
                    assert set(schema["required"]) <= set(example["value"])
                    assert set(example["value"]) <= set(schema["properties"])

    assert shown > 50


def test_every_error_answer_has_an_example(document: dict[str, Any]) -> None:
    assert [
        (operation["operationId"], status)
        for operation in operations(document)
        for status, response in operation["responses"].items()
        for content in response["content"].values()
        if not (content.get("examples") if int(status) >= 400 else content.get("example"))
        and operation["operationId"] != "s3AbortMultipartUpload"
    ] == []


@pytest.mark.parametrize(
    ("schema", "member", "bounds"),
    [
        ("StartUploadRequest", "size", {"minimum": 0, "maximum": MAX_OBJECT_SIZE}),
        ("StartUploadRequest", "metadata", {"maxProperties": 32}),
        ("RecordPartRequest", "size", {"minimum": 0, "maximum": MAX_PART_SIZE}),
        ("ReportedPart", "size", {"minimum": 0, "maximum": MAX_PART_SIZE}),
        ("RecordPartRequest", "part_number", {"minimum": 1, "maximum": 10_000}),
        ("RecordPartsRequest", "parts", {"minItems": 1, "maxItems": 10_000}),
        ("SignPartsRequest", "part_numbers", {"minItems": 1, "maxItems": 10_000}),
        ("CompletedPart", "PartNumber", {"minimum": 1, "maximum": 10_000}),
        ("CreateRequest", "type", {"maxLength": 255}),
    ],
)
def test_bodies_document_their_bounds(
    document: dict[str, Any], schema: str, member: str, bounds: dict[str, int]
) -> None:
    found = document["components"]["schemas"][schema]["properties"][member]

    assert any(bounds.items() <= option.items() for option in [found, *found.get("anyOf", ())]), (
        found
    )


@pytest.mark.parametrize(
    ("operation", "name", "bounds"),
    [
        ("startUpload", "Idempotency-Key", {"minLength": 16, "maxLength": 255}),
        ("startUpload", "Idempotency-Key", {"pattern": r"^[\x21-\x7e]+$"}),
        ("getSignedUrl", "part_number", {"minimum": 1, "maximum": 10_000}),
        ("getSignedUrl", "content_length", {"minimum": 0, "maximum": MAX_PART_SIZE}),
        ("listUploads", "limit", {"minimum": 1, "maximum": 500}),
        ("listUploads", "cursor", {"maxLength": 512}),
        ("listUploads", "status", {"maxItems": 8}),
        ("listUploads", "created_from", {"type": "string", "format": "date-time"}),
        ("s3SignPart", "upload_id", {"minLength": 1, "maxLength": 64}),
        ("s3SignSingleUpload", "filename", {"minLength": 1, "maxLength": 1024}),
    ],
)
def test_parameters_document_their_bounds(
    document: dict[str, Any], operation: str, name: str, bounds: dict[str, object]
) -> None:
    (found,) = (
        parameter["schema"]
        for described in operations(document)
        if described["operationId"] == operation
        for parameter in described["parameters"]
        if parameter["name"] == name
    )

    assert bounds.items() <= found.items()


def test_page_shows_every_operation_and_loads_nothing_external(document: dict[str, Any]) -> None:
    html = render_page(document)

    assert [f'<article id="{name}">' in html for name in ORDER] == [True] * len(ORDER)
    assert "<script" not in html
    assert re.findall(r'(?:src|href)="([^"#]*)"', html) == [
        "/docs/docs.css",
        "data:,",
        "/docs/openapi.json",
    ]


def test_page_escapes_text_from_the_document(document: dict[str, Any]) -> None:
    info = {**document["info"], "description": "<script>alert(1)</script> `<b>`"}

    html = render_page({**document, "info": info})

    assert "<script>" not in html
    assert "<code>&lt;b&gt;</code>" in html
