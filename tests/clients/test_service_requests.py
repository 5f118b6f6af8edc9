"""Requests to the service: credentials, errors, and batches of signed URLs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from multipart_upload_client import (
    AsyncClient,
    AuthenticationError,
    NoAnswerError,
    RetryPolicy,
    ServiceError,
    TokenSource,
    UploadReference,
)
from multipart_upload_client.api import ServiceApi
from multipart_upload_client.credentials import Credentials
from multipart_upload_client.signing import BATCH, SignedUrls

from .environment import Delays

REFERENCE = UploadReference("id", "key")
Handler = Callable[[httpx.Request], httpx.Response]


class Service:
    """Answers every request, and records it."""

    def __init__(self, *answers: httpx.Response | Handler) -> None:
        self._answers = answers
        self.requests: list[httpx.Request] = []
        self.delays = Delays()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def api(self, credentials: Credentials | None = None) -> ServiceApi:
        return ServiceApi(
            httpx.AsyncClient(transport=httpx.MockTransport(self)),
            "http://service",
            credentials or Credentials(),
            "alice",
            RetryPolicy(attempts=3, sleep=self.delays.sleep, jitter=lambda: 0.0),
        )


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "Sorry."}, headers=headers)


def by_token(accepted: str) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == f"Bearer {accepted}":
            return httpx.Response(200, json={})
        return problem(401, "invalid-credentials")

    return answer


def sign_for(
    lifetime: timedelta, answered_at: datetime | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    """Sign what is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        now = answered_at or datetime.now(UTC)
        urls = [
            {"part_number": number, "signed_url": f"http://store/{number}"}
            for number in json.loads(request.content)["part_numbers"]
        ]
        return httpx.Response(
            200,
            json={"urls": urls, "expires_at": (now + lifetime).isoformat()},
            headers={"Date": format_datetime(now)},
        )

    return answer


def numbers(requests: Sequence[httpx.Request]) -> list[list[int]]:
    return [json.loads(request.content)["part_numbers"] for request in requests]


async def test_token_is_renewed_when_it_is_refused() -> None:
    tokens = iter(["old", "new"])
    service = Service(by_token("new"))
    api = service.api(Credentials(lambda: next(tokens)))
    await api.abort(REFERENCE)
    await api.abort(REFERENCE)
    sent = [request.headers["Authorization"] for request in service.requests]
    assert sent == ["Bearer old", "Bearer new", "Bearer new"]
    assert service.delays.asked == []


async def test_token_may_come_from_a_coroutine() -> None:
    async def find_token() -> str:
        return "new"

    service = Service(by_token("new"))
    await service.api(Credentials(find_token)).abort(REFERENCE)
    assert len(service.requests) == 1


@pytest.mark.parametrize("source", ["old", lambda: "old"], ids=["text", "function"])
async def test_token_that_is_always_refused_is_an_error(source: str | TokenSource) -> None:
    service = Service(by_token("new"))
    with pytest.raises(AuthenticationError, match="Sorry") as raised:
        await service.api(Credentials(source)).abort(REFERENCE)
    assert raised.value.code == "invalid-credentials"
    assert len(service.requests) <= 2


async def test_api_key_is_sent() -> None:
    service = Service(httpx.Response(200, json={}))
    await service.api(Credentials(api_key="secret")).abort(REFERENCE)
    assert service.requests[0].headers["X-API-Key"] == "secret"


def test_token_and_api_key_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="not both"):
        AsyncClient("http://service", token="token", api_key="key")


@pytest.mark.parametrize("url", ["service", "ftp://service", "http://", "http://user@service"])
def test_url_of_the_service_is_checked(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        AsyncClient(url)


@pytest.mark.parametrize(
    "answer",
    [
        problem(503, "store-unavailable", **{"Retry-After": "5"}),
        problem(409, "operation-in-progress", **{"Retry-After": "5"}),
        problem(429, "", **{"Retry-After": "5"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
async def test_transient_error_is_repeated_after_the_time_it_names(answer: httpx.Response) -> None:
    service = Service(answer, httpx.Response(200, json={}))
    await service.api().abort(REFERENCE)
    assert service.delays.asked == [5.0]


@pytest.mark.parametrize(
    "answer",
    [
        problem(404, "upload-not-found"),
        problem(409, "wrong-state"),
        problem(500, "store-misconfigured"),
        problem(501, ""),
    ],
    ids=lambda answer: str(answer.status_code),
)
async def test_permanent_error_is_not_repeated(answer: httpx.Response) -> None:
    service = Service(answer)
    with pytest.raises(ServiceError, match="Sorry"):
        await service.api().abort(REFERENCE)
    assert len(service.requests) == 1


async def test_error_names_the_wrong_fields() -> None:
    fields = [{"field": "size", "message": "must be a number"}]
    answer = httpx.Response(422, json={"code": "invalid-field", "errors": fields})
    with pytest.raises(ServiceError, match="size must be a number"):
        await Service(answer).api().abort(REFERENCE)


async def test_error_of_a_proxy_is_shown_without_its_page() -> None:
    with pytest.raises(ServiceError, match=r"^The service answered 404\.$"):
        await Service(httpx.Response(404, text="<html>")).api().abort(REFERENCE)


@pytest.mark.parametrize("answer", [{}, [], "text", {"urls": [{}], "expires_at": "never"}])
async def test_answer_of_another_server_is_an_error(answer: object) -> None:
    with pytest.raises(ServiceError, match="Is this the URL of the service"):
        await Service(httpx.Response(200, json=answer)).api().sign(REFERENCE, [1])


async def test_service_that_does_not_answer_is_named() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(NoAnswerError, match="http://service did not answer: refused"):
        await Service(fail).api().abort(REFERENCE)


async def test_list_is_read_page_by_page() -> None:
    service = Service(
        httpx.Response(200, json={"uploads": [], "next_cursor": "next"}),
        httpx.Response(200, json={"uploads": [], "next_cursor": None}),
    )
    assert [upload async for upload in service.api().uploads(["aborted", "expired"])] == []
    queries = [str(request.url.query, "ascii") for request in service.requests]
    first = "user_id=alice&limit=100&status=aborted&status=expired"
    assert queries == [first, f"{first}&cursor=next"]


async def test_urls_are_signed_in_batches() -> None:
    service = Service(sign_for(timedelta(hours=1)))
    urls = SignedUrls(service.api(), REFERENCE, range(1, BATCH + 3))
    signed = [await urls.take(number) for number in range(1, BATCH + 3)]
    assert [part.url for part in signed] == [
        f"http://store/{number}" for number in range(1, BATCH + 3)
    ]
    assert numbers(service.requests) == [[*range(1, BATCH + 1)], [BATCH + 1, BATCH + 2]]


async def test_discarded_urls_are_signed_again() -> None:
    service = Service(sign_for(timedelta(hours=1)))
    urls = SignedUrls(service.api(), REFERENCE, [1, 2, 3])
    await urls.take(1)
    urls.discard()
    await urls.take(1)
    await urls.take(3)
    assert numbers(service.requests) == [[1, 2, 3], [1, 2, 3]]


async def test_url_that_has_expired_is_signed_again() -> None:
    service = Service(sign_for(timedelta(hours=-1)), sign_for(timedelta(hours=1)))
    urls = SignedUrls(service.api(), REFERENCE, [1, 2])
    await urls.take(1)
    await urls.take(2)
    assert numbers(service.requests) == [[1, 2], [2]]


async def test_clock_of_this_computer_does_not_matter_for_expiry() -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    service = Service(sign_for(timedelta(hours=1), long_ago))
    urls = SignedUrls(service.api(), REFERENCE, [1, 2])
    await urls.take(1)
    await urls.take(2)
    assert len(service.requests) == 1
