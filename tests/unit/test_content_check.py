"""The bytes of a finished object are compared with the declared type."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from multipart_upload.adapters.content_detector import PuremagicDetector
from multipart_upload.domain.content_check import SAMPLE_SIZE, ContentCheck, compare_types
from multipart_upload.domain.errors import (
    ContentRefusedError,
    StoreRefusedError,
    StoreUnavailableError,
    TransitionError,
)
from multipart_upload.domain.session import SessionState, UploadSession

from .faults import ForbiddingStore, StoreAnswersLost
from .service import Service, new_upload, reference_to

PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
PDF: Final = b"%PDF-1.7\n"
HTML: Final = b"<!DOCTYPE html><html></html>"
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
ZIP: Final = b"PK\x03\x04\x14\x00\x00\x00\x08\x00"
EXE: Final = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff"
MP4: Final = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
TEXT: Final = b"a,b,c\n1,2,3\n"


def detect(declared: str, body: bytes) -> tuple[str, bool] | None:
    found = compare_types(declared, PuremagicDetector().detect(body[:SAMPLE_SIZE]))
    return None if found is None else (found.media_type, found.is_mismatch)


@pytest.mark.parametrize(
    ("declared", "body", "detected"),
    [
        ("image/png", PNG, "image/png"),
        ("IMAGE/PNG; q=1", PNG, "image/png"),
        ("image/jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        ("application/pdf", PDF, "application/pdf"),
        ("text/html", HTML, "text/html"),
        ("text/xml", b'<?xml version="1.0"?><a/>', "application/xml"),
        ("image/svg+xml", SVG, "image/svg+xml"),
        ("application/x-zip-compressed", ZIP, "application/zip"),
        ("audio/mp4", MP4, "video/mp4"),
        ("text/plain", HTML, "text/html"),
        ("application/octet-stream", PNG, "image/png"),
        ("", PNG, "image/png"),
        ("application/vnd.example.drawing", ZIP, "application/zip"),
    ],
)
def test_bytes_of_the_declared_type_match(declared: str, body: bytes, detected: str) -> None:
    assert detect(declared, body) == (detected, False)


@pytest.mark.parametrize(
    ("declared", "body", "detected"),
    [
        ("image/png", HTML, "text/html"),
        ("image/png", b"\xef\xbb\xbf \n<html>", "text/html"),
        ("image/png", PDF, "application/pdf"),
        ("image/png", SVG, "image/svg+xml"),
        ("image/gif", PNG, "image/png"),
        ("video/mp4", ZIP, "application/zip"),
        ("text/csv", EXE, "application/vnd.microsoft.portable-executable"),
        ("application/pdf", EXE, "application/vnd.microsoft.portable-executable"),
        ("application/pdf", PNG, "image/png"),
    ],
)
def test_bytes_of_another_type_are_a_mismatch(declared: str, body: bytes, detected: str) -> None:
    assert detect(declared, body) == (detected, True)


@pytest.mark.parametrize("body", [b"", TEXT, bytes(SAMPLE_SIZE), b"BM is no bitmap", b"\x00"])
@pytest.mark.parametrize("declared", ["text/csv", "image/png", ""])
def test_bytes_without_a_signature_have_no_type(declared: str, body: bytes) -> None:
    assert detect(declared, body) is None


def checking(service: Service, check: ContentCheck) -> Service:
    return replace(service, policy=replace(service.policy, content_check=check))


async def send(service: Service, body: bytes, content_type: str = "image/png") -> UploadSession:
    session = await service.start(new_upload(content_type=content_type, size=len(body)))
    await service.upload(session, body=body)
    return session


async def test_detected_type_is_recorded(service: Service) -> None:
    reporting = checking(service, ContentCheck.REPORT)
    session = await send(reporting, PNG)
    completed = await reporting.complete(reference_to(session))
    assert completed.detected is not None
    assert (completed.detected.media_type, completed.detected.is_mismatch) == ("image/png", False)
    assert (await reporting.reload(session)).detected == completed.detected


async def test_mismatch_is_reported_and_completed(service: Service) -> None:
    reporting = checking(service, ContentCheck.REPORT)
    session = await send(reporting, HTML)
    completed = await reporting.complete(reference_to(session))
    assert completed.state is SessionState.COMPLETED
    assert completed.detected is not None
    assert completed.detected.is_mismatch
    assert not completed.is_object_refused


async def test_refused_object_is_deleted_and_the_session_aborted(service: Service) -> None:
    refusing = checking(service, ContentCheck.REFUSE)
    session = await send(refusing, HTML)
    with pytest.raises(ContentRefusedError) as refused:
        await refusing.complete(reference_to(session))
    assert refused.value.extensions == {
        "declared_type": "image/png",
        "detected_type": "text/html",
    }
    assert await service.bucket.head_object(session.key) is None
    ended = await refusing.reload(session)
    assert (ended.state, ended.is_object_refused) == (SessionState.ABORTED, True)
    with pytest.raises(ContentRefusedError) as repeated:
        await refusing.complete(reference_to(session))
    assert str(repeated.value) == str(refused.value)


async def test_object_of_another_session_is_never_deleted(service: Service) -> None:
    refusing = checking(service, ContentCheck.REFUSE)
    session = await send(refusing, HTML)
    # It is refused, and the session aborting, with the object still there.
    powerless = replace(refusing, store=ForbiddingStore(service.store, "delete_object"))
    with pytest.raises(StoreRefusedError):
        await powerless.complete(reference_to(session))
    stored = service.bucket.objects[session.key]
    service.bucket.objects[session.key] = replace(stored, new=replace(stored.new, nonce="another"))
    assert (await refusing.abort(reference_to(session))).state is SessionState.ABORTED
    assert session.key in service.bucket.objects


async def test_nothing_is_read_when_the_check_is_off(service: Service) -> None:
    off = replace(
        checking(service, ContentCheck.OFF), store=ForbiddingStore(service.store, "read_start")
    )
    session = await send(off, HTML)
    assert (await off.complete(reference_to(session))).detected is None


async def test_empty_object_is_not_read(service: Service) -> None:
    refusing = replace(
        checking(service, ContentCheck.REFUSE), store=ForbiddingStore(service.store, "read_start")
    )
    session = await send(refusing, b"")
    assert (await refusing.complete(reference_to(session))).detected is None


async def test_report_completes_without_a_type_if_the_object_cannot_be_read(
    service: Service,
) -> None:
    blind = replace(
        checking(service, ContentCheck.REPORT), store=ForbiddingStore(service.store, "read_start")
    )
    session = await send(blind, HTML)
    completed = await blind.complete(reference_to(session))
    assert (completed.state, completed.detected) == (SessionState.COMPLETED, None)


async def test_nothing_is_completed_unchecked_if_mismatches_are_refused(service: Service) -> None:
    refusing = checking(service, ContentCheck.REFUSE)
    blind = replace(refusing, store=ForbiddingStore(service.store, "read_start"))
    session = await send(blind, PNG)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await blind.complete(reference_to(session))
    assert (await service.reload(session)).state is SessionState.COMPLETING
    service.clock.advance(days=8)
    assert not (await blind.sweep()).is_complete
    assert (await service.reload(session)).state is SessionState.COMPLETING
    # As soon as it can be read, the same complete goes on.
    assert (await refusing.complete(reference_to(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize(("body", "is_refused"), [(PNG, False), (HTML, True)])
async def test_abort_after_a_lost_answer_checks_the_object(
    service: Service,
    body: bytes,
    is_refused: bool,  # noqa: FBT001
) -> None:
    refusing = checking(service, ContentCheck.REFUSE)
    session = await send(refusing, body)
    with pytest.raises(StoreUnavailableError):
        await replace(refusing, store=StoreAnswersLost(service.store)).complete(
            reference_to(session)
        )
    if is_refused:
        assert (await refusing.abort(reference_to(session))).state is SessionState.ABORTED
    else:
        with pytest.raises(TransitionError):
            await refusing.abort(reference_to(session))
    assert (session.key in service.bucket.objects) is not is_refused
