"""Allowed content types and extensions: at every start, in every spelling."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from multipart_upload.domain.errors import InvalidFieldsError
from multipart_upload.domain.upload_limits import UploadLimits
from multipart_upload.settings import SettingsError, load_settings
from multipart_upload.upload_policy import upload_policy

from .service import Service, new_upload

LIMITS: Final = UploadLimits(content_types=("image/*", "application/pdf"), extensions=("png",))


@pytest.mark.parametrize(
    "content_type", ["image/png", "IMAGE/svg+xml", "application/pdf; version=2", "application/pdf"]
)
def test_allowed_types_pass(content_type: str) -> None:
    LIMITS.require(content_type, "a.png")


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/pdfx", "imagex/png", "text/html; image/png", "", "image"],
)
def test_other_types_are_refused_with_the_allowed_ones(content_type: str) -> None:
    with pytest.raises(InvalidFieldsError, match=r"^content_type: .*: image/\*, application/pdf$"):
        LIMITS.require(content_type, "a.png")


@pytest.mark.parametrize("filename", ["a.PNG", "a.exe.png", "folder/a.png"])
def test_allowed_extensions_pass(filename: str) -> None:
    LIMITS.require("image/png", filename)


@pytest.mark.parametrize("filename", ["png", "a.png.exe", "a.png ", "a.png.", "a.png/b", "a"])
def test_other_extensions_are_refused_with_the_allowed_ones(filename: str) -> None:
    with pytest.raises(InvalidFieldsError, match=r"^filename: .*: png$"):
        LIMITS.require("image/png", filename)


def test_both_fields_are_named() -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        LIMITS.require("text/html", "a.html")
    assert [error.field for error in refused.value.wrong] == ["content_type", "filename"]


async def test_starts_and_single_uploads_obey_the_limits(service: Service) -> None:
    strict = replace(service, policy=replace(service.policy, limits=LIMITS))
    allowed = new_upload(filename="a.png", content_type="image/png")
    refused = replace(allowed, content_type="text/html")
    await strict.start(allowed)
    await strict.sign_single(allowed)
    with pytest.raises(InvalidFieldsError):
        await strict.start(refused)
    with pytest.raises(InvalidFieldsError):
        await strict.sign_single(refused)


async def test_file_of_unknown_type_needs_the_general_one(service: Service) -> None:
    limits = UploadLimits(content_types=("application/octet-stream",))
    general = replace(service, policy=replace(service.policy, limits=limits))
    await general.start(new_upload(content_type=""))


def test_settings_are_read_in_any_spelling() -> None:
    settings = load_settings(
        s3_bucket_name="bucket",
        allowed_content_types="Image/*, application/pdf",
        allowed_extensions=".PNG, jpg",
    )
    assert settings.upload_content_types == ("image/*", "application/pdf")
    assert settings.upload_extensions == ("png", "jpg")
    assert upload_policy(settings).limits == UploadLimits(
        content_types=("image/*", "application/pdf"), extensions=("png", "jpg")
    )


def test_everything_is_allowed_by_default() -> None:
    settings = load_settings(s3_bucket_name="bucket")
    assert (settings.upload_content_types, settings.upload_extensions) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_content_types", "image"),
        ("allowed_content_types", "*/*"),
        ("allowed_content_types", "image/png;q=1"),
        ("allowed_content_types", ","),
        ("allowed_extensions", "*.png"),
        ("allowed_extensions", "tar.gz"),
        ("allowed_extensions", ","),
    ],
)
def test_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name.upper()}: "):
        load_settings(s3_bucket_name="bucket", **{name: value})
