"""Uploads succeed although requests and answers are lost or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from multipart_upload_client import RetryPolicy, ServiceError, StoreError
from tests.servers.s3_proxy import Fault, Forward, S3Request, cut_after, cut_before
from tests.servers.scripted_server import http_answer, s3_error

from .environment import Environment

pytestmark = pytest.mark.e2e


def refuse(status: str, code: str, *headers: str) -> Fault:
    """Answer with an error of S3 instead of forwarding."""

    async def answer(_: S3Request, __: Forward) -> bytes:
        head, _blank, body = s3_error(status, code).partition(b"\r\n\r\n")
        return b"\r\n".join([head, *(header.encode() for header in headers), b"", body])

    return answer


def answer_problem(status: str, code: str, *headers: str) -> Fault:
    """Answer with problem details instead of forwarding."""

    async def answer(_: S3Request, __: Forward) -> bytes:
        problem = f'{{"code": "{code}", "detail": "Sorry."}}'
        head, _blank, body = http_answer(status, problem).partition(b"\r\n\r\n")
        return b"\r\n".join([head, *(header.encode() for header in headers), b"", body])

    return answer


STORE_FAULTS = {
    "cut before": cut_before,
    "lost answer": cut_after,
    "500": refuse("500 Internal Server Error", "InternalError"),
    "503": refuse("503 Slow Down", "SlowDown"),
    "idle for too long": refuse("400 Bad Request", "RequestTimeout"),
}


def test_file_is_uploaded_with_its_type_and_metadata(environment: Environment, file: Path) -> None:
    film = file.rename(file.with_suffix(".mp4"))
    with environment.client() as client:
        result = client.upload(film, metadata={"project": "x"})
    stored = environment.bucket.download(result.key)
    assert stored.content_type == "video/mp4"
    assert stored.metadata["project"] == "x"
    assert result.size == film.stat().st_size
    assert result.location.endswith(result.key)
    environment.require_stored(result.key, film)


def test_empty_file_is_uploaded(environment: Environment, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    with environment.client() as client:
        result = client.upload(empty)
    assert result.size == 0
    environment.require_stored(result.key, empty)


@pytest.mark.parametrize("name", STORE_FAULTS)
async def test_part_is_sent_again(environment: Environment, file: Path, name: str) -> None:
    faults = environment.fail_put(STORE_FAULTS[name], STORE_FAULTS[name])
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert faults.is_over
    assert len(environment.delays.asked) >= 2
    environment.require_stored(result.key, file)


async def test_retry_after_of_the_store_is_obeyed(environment: Environment, file: Path) -> None:
    environment.fail_put(refuse("503 Slow Down", "SlowDown", "Retry-After: 7"))
    async with environment.async_client() as client:
        await client.upload(file)
    assert 7.25 in environment.delays.asked, "7 s and half of the first delay as jitter"


async def test_retry_after_of_the_service_is_obeyed(environment: Environment, file: Path) -> None:
    fault = answer_problem("503 Service Unavailable", "store-unavailable", "Retry-After: 9")
    environment.fail_route("complete-upload", fault)
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert 9.25 in environment.delays.asked
    environment.require_stored(result.key, file)


async def test_refused_url_is_signed_again(environment: Environment, file: Path) -> None:
    signed: list[str] = []

    async def note(request: S3Request, forward: Forward) -> bytes:
        signed.append(request.key)
        return await forward()

    environment.fail_put(refuse("403 Forbidden", "AccessDenied"))
    environment.api_proxy.faults["GET"] = note
    async with environment.async_client() as client:
        result = await client.upload(file)
    # Once for each of the three parts, and again for the one that was refused.
    assert signed.count("get-signed-url") >= 4
    environment.require_stored(result.key, file)


async def test_part_that_is_always_refused_fails_the_upload(
    environment: Environment, file: Path
) -> None:
    refusal = refuse("403 Forbidden", "AccessDenied")
    environment.store_proxy.faults["PUT"] = refusal
    async with environment.async_client() as client:
        with pytest.raises(StoreError, match="403 AccessDenied") as raised:
            await client.upload(file)
        assert "Signature" not in repr(raised.value)
        reference = raised.value.reference
        assert reference is not None
        await client.abort(reference)
    assert environment.store_proxy.asked["PUT"] <= 3 * 3


@pytest.mark.parametrize("fault", [cut_before, cut_after], ids=["cut before", "lost answer"])
@pytest.mark.parametrize(
    ("route", "checksums"),
    [
        ("start-upload", True),
        ("get-signed-url", True),
        ("get-signed-urls", False),
        ("upload-parts", True),
        ("complete-upload", True),
    ],
)
async def test_request_to_the_service_is_repeated(
    environment: Environment,
    file: Path,
    route: str,
    checksums: bool,  # noqa: FBT001
    fault: Fault,
) -> None:
    faults = environment.fail_route(route, fault, fault)
    async with environment.async_client(checksums=checksums) as client:
        result = await client.upload(file)
    assert faults.is_over
    assert len(environment.uploads()) == 1
    environment.require_stored(result.key, file)


async def test_permanent_refusal_is_not_repeated(environment: Environment, file: Path) -> None:
    async with environment.async_client(user_id="u" * 129) as client:
        with pytest.raises(ServiceError, match="user_id") as raised:
            await client.upload(file)
    assert (raised.value.status, raised.value.code) == (422, "invalid-field")
    assert environment.delays.asked == []


async def test_attempts_are_limited(environment: Environment, file: Path) -> None:
    environment.store_proxy.faults["PUT"] = refuse("500 Internal Server Error", "InternalError")
    retry = RetryPolicy(attempts=3, sleep=environment.delays.sleep)
    async with environment.async_client(retry=retry, parallel=1) as client:
        with pytest.raises(StoreError, match="InternalError"):
            await client.upload(file)
    assert environment.store_proxy.asked["PUT"] == 3


async def test_logs_show_no_signature(
    environment: Environment, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with environment.async_client() as client:
        await client.upload(file)
    assert "HTTP Request: PUT" in caplog.text
    assert "Signature" not in caplog.text
