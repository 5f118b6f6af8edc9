"""JSON responses."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, get
from litestar.background_tasks import BackgroundTask
from litestar.testing import AsyncTestClient

from multipart_upload.entrypoints.http.responses import JsonResponse


async def test_response_has_its_type_and_length() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    answer: Any = JsonResponse({"name": "f\u00fcr"}, status_code=201).to_asgi_response()
    await answer({}, None, send)
    start, body = sent
    assert start["status"] == 201
    assert dict(start["headers"]) == {
        b"content-type": b"application/json",
        b"content-length": b"15",
    }
    assert body["body"] == '{"name":"f\u00fcr"}'.encode()
    assert not body["more_body"]


@pytest.mark.parametrize(
    "more",
    [
        {"response_headers": {"X-Frame-Options": "DENY"}},
        {"response_cookies": {"name": "value"}},
        {"background": BackgroundTask(print)},
    ],
    ids=["headers", "cookies", "a task"],
)
async def test_route_with_unsupported_response_options_fails_with_a_reason(
    more: dict[str, Any],
) -> None:
    @get("/", response_class=JsonResponse, **more)
    async def answer() -> dict[str, str]:
        return {}

    async with AsyncTestClient(Litestar([answer], debug=True, logging_config=None)) as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert "needs Litestar's own Response" in response.text
