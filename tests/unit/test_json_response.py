"""Answers that are JSON and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.exceptions import ImproperlyConfiguredException

from multipart_upload.entrypoints.http.json_response import JsonResponse


async def test_an_answer_tells_its_type_and_its_length() -> None:
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


@pytest.mark.parametrize("more", [{"headers": {"X": "1"}}, {"cookies": [1]}, {"background": 1}])
def test_what_it_could_not_send_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfiguredException):
        JsonResponse({}, status_code=200, **more)
