"""Limits of the fields of a file; an invalid field is named and nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.application.new_upload import NewUpload
from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import FileTooLargeError, InvalidFieldError, UploadError
from multipart_upload.domain.policy import UploadPolicy

from .faults import CountingStore
from .service import MIB, Service, new_service, new_upload

UNPRINTABLE: Final = "\x00\x1f\x7f\x85\u200b\u2028\u2029\u202e\u2066\ufeff\ud800\udfff"
unprintable = st.sampled_from(UNPRINTABLE)
words = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20)
content_types = st.builds(
    "{}/{}{}".format,
    st.sampled_from(["text", "image", "application", "x-a.b"]),
    st.sampled_from(["plain", "svg+xml", "vnd.ms-excel", "x_y-z"]),
    st.sampled_from(["", "; charset=utf-8", ' ; name="a b"', ";", "\t; a=b"]),
)

TOO_LONG: Final = "must have {} characters at most"
NO_CONTROL: Final = "must have no control characters"
TYPE_FORM: Final = "must be of the form type/subtype, such as video/mp4, or empty"
KEYS: Final = "keys must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"


async def refuse_start(new: NewUpload, policy: UploadPolicy | None = None) -> UploadError:
    """Start an upload that must be refused, check that nothing is stored, and return the error."""
    service = new_service()
    store = CountingStore(service.store)
    service = replace(service, store=store, policy=policy or service.policy)
    with pytest.raises((InvalidFieldError, FileTooLargeError)) as refusal:
        await service.start(new)
    assert store.created == []
    assert (await service.list_sessions(SessionQuery(user_id=new.user_id))).sessions == []
    return refusal.value


async def is_refused(new: NewUpload, field: str, rule: str) -> None:
    error = await refuse_start(new)
    assert error.code == "invalid-field"
    assert error.extensions == {"errors": [{"field": field, "message": rule}]}
    assert str(error) == f"{field}: {rule}"


@pytest.mark.parametrize("user_id", ["", "u" * 129])
async def test_a_user_id_has_1_to_128_characters(user_id: str) -> None:
    await is_refused(new_upload(user_id=user_id), "user_id", "must have 1 to 128 characters")


@pytest.mark.parametrize("filename", ["", "f" * 1025])
async def test_a_file_name_has_1_to_1024_characters(filename: str) -> None:
    await is_refused(new_upload(filename=filename), "filename", "must have 1 to 1024 characters")


@given(words, unprintable, words)
async def test_control_characters_in_a_user_id_are_refused(
    before: str, bad: str, behind: str
) -> None:
    await is_refused(new_upload(user_id=before + bad + behind), "user_id", NO_CONTROL)


@given(words, st.sampled_from(["\ud800", "\udfff"]), words)
async def test_file_name_must_be_valid_utf_8(before: str, bad: str, behind: str) -> None:
    rule = "must be text that UTF-8 can write"
    await is_refused(new_upload(filename=before + bad + behind), "filename", rule)


async def test_a_content_type_has_255_characters_at_most() -> None:
    await is_refused(
        new_upload(content_type="text/" + "x" * 251), "content_type", TOO_LONG.format(255)
    )


@pytest.mark.parametrize(
    "content_type",
    [
        *("video", "/mp4", "video/", "video/mp4/x", "vi deo/mp4", " text/plain", "text/plain "),
        *("text/plain\n", "text/plain\r\nX-Evil: 1", "text/plain; a=\x7f", "text/plain; a=é"),
        *("text/plain\n; a=b", "text/plain\r\n;a", "text/plain\x0b;a", "téxt/plain", "text/pläin"),
    ],
)
async def test_a_content_type_is_one_line_of_type_and_subtype(content_type: str) -> None:
    await is_refused(new_upload(content_type=content_type), "content_type", TYPE_FORM)


async def test_metadata_has_32_entries_at_most() -> None:
    metadata = {f"k{number}": "" for number in range(33)}
    await is_refused(new_upload(metadata=metadata), "metadata", "must have 32 entries at most")


@pytest.mark.parametrize("value", ["x" * 1021, "é" * 511, "🏝" * 256])
async def test_metadata_has_1024_bytes_at_most(value: str) -> None:
    await is_refused(
        new_upload(metadata={"abcd": value}), "metadata", "must have 1024 bytes at most in all"
    )


@pytest.mark.parametrize(
    "key", ["", "k" * 65, "-k", ".k", "_k", "a b", "a:b", "a\n", "a\r\nb", "clé", "k\u0661"]
)
async def test_metadata_key_must_fit_a_header_name(key: str) -> None:
    await is_refused(new_upload(metadata={key: "v"}), "metadata", KEYS)


@pytest.mark.parametrize(
    "key", ["multipart-upload-id", "Multipart-Upload-ID", "Multipart-Upload-Nonce"]
)
async def test_a_metadata_key_of_the_service_is_reserved(key: str) -> None:
    await is_refused(
        new_upload(metadata={key: "v"}), "metadata", f"the key {key.lower()} is reserved"
    )


async def test_all_invalid_fields_of_a_start_are_named() -> None:
    error = await refuse_start(
        new_upload(user_id="", filename="", content_type="x", metadata={"a b": "c"})
    )

    wrong = error.extensions["errors"]
    assert isinstance(wrong, list)
    assert [one["field"] for one in wrong] == ["user_id", "filename", "content_type", "metadata"]


@given(words, unprintable, words)
async def test_control_characters_in_a_metadata_value_are_refused(
    before: str, bad: str, behind: str
) -> None:
    await is_refused(
        new_upload(metadata={"k": before + bad + behind}),
        "metadata",
        "values must have no control characters",
    )


async def test_metadata_keys_that_differ_only_in_case_are_refused() -> None:
    rule = "keys must differ by more than case, which S3 ignores"
    await is_refused(new_upload(metadata={"Colour": "1", "colour": "2"}), "metadata", rule)


async def test_negative_size_is_refused() -> None:
    await is_refused(new_upload(size=-1), "size", "must be 0 bytes or more")


async def test_a_file_over_the_operators_limit_is_refused_naming_the_limit() -> None:
    error = await refuse_start(new_upload(size=5 * MIB + 1), UploadPolicy(max_size=5 * MIB))
    assert error.code == "file-too-large"
    assert error.extensions == {"max_size": 5 * MIB}


@pytest.mark.parametrize(
    "new",
    [
        new_upload(user_id="u"),
        new_upload(user_id="🏝" * 128),
        new_upload(user_id="../a b%/\\c"),
        new_upload(filename="f" * 1024),
        new_upload(filename="\u202e..\\..//\r\n"),
        new_upload(content_type="text/" + "x" * 250),
        new_upload(size=5 * 2**40),
        new_upload(metadata={f"k{number}": "" for number in range(32)}),
        new_upload(metadata={"abcd": "x" * 1020}),
        new_upload(metadata={"abcd": "é" * 510}),
        new_upload(metadata={"k" * 64: "v", "0": "", "a.b_c-d": "наш отпуск 🏝"}),
    ],
)
async def test_values_at_the_limits_are_accepted(service: Service, new: NewUpload) -> None:
    session = await service.start(new)
    assert (session.user_id, session.filename) == (new.user_id, new.filename)
    assert (session.content_type, session.metadata) == (new.content_type, new.metadata)
    assert len(session.key.encode()) <= 1024


@given(content_types)
async def test_a_type_with_parameters_is_stored_with_blanks_for_tabs(content_type: str) -> None:
    session = await new_service().start(new_upload(content_type=content_type))
    assert session.content_type == content_type.replace("\t", " ")
