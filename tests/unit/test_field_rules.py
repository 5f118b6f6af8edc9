"""Body errors agree with the decoder: a body has errors exactly if the decoder refuses it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.domain.validation import CONTENT_TYPE_PATTERN, METADATA_KEY_PATTERN
from multipart_upload.entrypoints.http.api.batch_schemas import (
    RecordPartsRequest,
    SignPartsRequest,
)
from multipart_upload.entrypoints.http.api.schemas import (
    RecordPartRequest,
    SessionRequest,
    StartUploadRequest,
)
from multipart_upload.entrypoints.http.companion.schemas import CompleteRequest, CreateRequest
from multipart_upload.entrypoints.http.validation.field_rules import (
    body_errors,
    inspect_type,
    value_errors,
)
from multipart_upload.entrypoints.http.validation.limits import (
    IDEMPOTENCY_KEY_PATTERN,
    NO_NUL,
    RULES,
    TIME_PATTERN,
)

KINDS: Final[tuple[type[msgspec.Struct], ...]] = (
    StartUploadRequest,
    SessionRequest,
    RecordPartRequest,
    SignPartsRequest,
    RecordPartsRequest,
    CreateRequest,
    CompleteRequest,
)
NAMES: Final = sorted(
    {field.encode_name for kind in KINDS for field in msgspec.structs.fields(kind)}
    | {"part_number", "etag", "size", "PartNumber", "ETag", "unknown"}
)
TECHNICAL_TERMS: Final = re.compile(r"Expected|Object|Invalid|regex|\(\?|\\x|\]\+|\$|\^|`")

scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([-1, 0, 1, 10_000, 10_001, 5 * 2**30, 5 * 2**30 + 1, 2**70, 1.5, 1.0])
    | st.sampled_from(["", "a", "all", "3-7", "3-", "1-2\n", '"e"', '"e', "a/b", "a\0", "k" * 1025])
    | st.text(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(NAMES), values, max_size=7)


def is_accepted(body: dict[str, Any], kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.json.Decoder(kind).decode(msgspec.json.encode(body))
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
@given(bodies)
def test_value_errors_exist_exactly_for_bodies_the_decoder_refuses(
    kind: type[msgspec.Struct], body: dict[str, Any]
) -> None:
    errors = list(value_errors(body, inspect_type(kind), ""))

    assert (errors == []) == is_accepted(body, kind), errors
    assert all(TECHNICAL_TERMS.search(error.message) is None for error in errors)
    assert len({error.field for error in errors}) == len(errors)


@given(bodies)
def test_body_errors_include_domain_and_type_rules(body: dict[str, Any]) -> None:
    errors = body_errors(body, StartUploadRequest)

    assert len({error.field for error in errors}) == len(errors)
    if not errors:
        assert is_accepted(body, StartUploadRequest)


def patterns_in(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {pattern for item in schema for pattern in patterns_in(item)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own | {pattern for item in schema.values() for pattern in patterns_in(item)}


def test_every_pattern_has_an_error_message() -> None:
    found = patterns_in(msgspec.json.schema_components(KINDS)[1])

    # The domain words the messages for the last two.
    assert found == {*RULES, NO_NUL, CONTENT_TYPE_PATTERN, METADATA_KEY_PATTERN} - {
        IDEMPOTENCY_KEY_PATTERN,
        TIME_PATTERN,
    }
