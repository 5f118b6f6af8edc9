"""Callers of a service with rate limits, and checks of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from tests.identities import SigningKey

from .service import Service
from .upload import Upload

# A window of ten years does not end during a test.
TEN_YEARS: Final = 3650 * 86_400
LIMITS: Final = {"RATE_LIMIT_STARTS": "3/3650 days", "RATE_LIMIT_URLS": "100/3650 days"}
KEY: Final = SigningKey()
FORM: Final = {"filename": "a.txt", "type": "text/plain"}


@contextmanager
def caller(service: Service, address: str, user: str = "") -> Iterator[httpx.Client]:
    """Provide a client that a trusted proxy has seen at an address."""
    token = {"Authorization": f"Bearer {KEY.sign(sub=user)}"} if user else {}
    with service.client(**{"X-Forwarded-For": address}, **token) as client:
        yield client


def start(client: httpx.Client, **user_id: str) -> httpx.Response:
    fields = {"filename": "a.txt", "content_type": "text/plain", **user_id}
    return client.post("/api/start-upload", json=fields)


def sign_many(upload: Upload, *numbers: int | str) -> httpx.Response:
    body = {**upload.identity, "part_numbers": list(numbers)}
    return upload.api.post("/api/get-signed-urls", json=body)


def left(response: httpx.Response) -> dict[str, int]:
    """Return what the answer says remains, by policy."""
    items = response.headers.get("RateLimit", "").split(", ")
    return {item.split(";")[0].strip('"'): int(item.split(";")[1][2:]) for item in items if item}


def is_too_many(response: httpx.Response) -> int:
    """Check that the response is a 429. Return the seconds to wait."""
    assert response.status_code == 429, response.text
    assert response.json()["code"] == "rate-limited"
    return int(response.headers["Retry-After"])


def success_of(response: httpx.Response) -> httpx.Response:
    assert response.status_code == 200, response.text
    return response
