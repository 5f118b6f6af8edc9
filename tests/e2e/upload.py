"""An upload as a client sends it, and checks of the responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from . import direct

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of one user; each method sends one request to the service unless documented."""

    api: httpx.Client
    user_id: str
    started: Mapping[str, Any]

    @classmethod
    def start(cls, api: httpx.Client, filename: str = "film.bin", **more: object) -> Self:
        user_id = str(more.pop("user_id", f"user-{uuid4().hex}"))
        fields = {"user_id": user_id, "filename": filename, "content_type": "video/mp4", **more}
        return cls(api, user_id, answer(api.post("/api/start-upload", json=fields)))

    @property
    def key(self) -> str:
        return str(self.started["key"])

    def key_of_file(self, user: str, filename: str) -> re.Pattern[str]:
        """Return a pattern of this upload's key, whose nonce is random."""
        upload_id = re.escape(self.started["upload_id"])
        return re.compile(rf"{re.escape(user)}/{upload_id}\.[0-9a-f]{{16}}/{re.escape(filename)}")

    @property
    def identity(self) -> dict[str, str]:
        """The upload id and key."""
        return {"upload_id": self.started["upload_id"], "key": self.key}

    @property
    def reference(self) -> dict[str, str]:
        """The fields of request bodies that identify the session and its user."""
        return {"user_id": self.user_id, **self.identity}

    def sign(self, number: int, **more: int) -> httpx.Response:
        query: dict[str, str | int] = {**self.identity, "part_number": number, **more}
        return self.api.get("/api/get-signed-url", params=query)

    def put(self, number: int, body: bytes) -> str:
        """Sign a part and PUT it to the store. Return the ETag, or a token if it has none."""
        signed = answer(self.sign(number, content_length=len(body)))
        sent = direct.put(signed["signed_url"], body, signed["headers"])
        assert sent.is_success, sent.text
        return str(sent.headers.get("etag", "none"))

    def record(self, number: int, etag: str, **more: int) -> httpx.Response:
        fields = {**self.reference, "part_number": number, "etag": etag, **more}
        return self.api.post("/api/upload-part", json=fields)

    def send(self, number: int, body: bytes) -> dict[str, Any]:
        """Sign a part, PUT it to S3 and record it."""
        return answer(self.record(number, self.put(number, body), size=len(body)))

    def complete(self) -> httpx.Response:
        return self.api.post("/api/complete-upload", json=self.reference)

    def abort(self) -> httpx.Response:
        return self.api.post("/api/abort-upload", json=self.reference)

    def status(self) -> httpx.Response:
        return self.api.get("/api/upload-status", params=self.identity)

    def list_parts(self) -> httpx.Response:
        return self.api.get("/api/list-parts", params=self.identity)

    def siblings(self, **query: str | int) -> httpx.Response:
        """List the uploads of the same user."""
        return self.api.get("/api/uploads", params={"user_id": self.user_id, **query})


def answer(response: httpx.Response) -> dict[str, Any]:
    """Check that the response is a success. Return its JSON."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that the response is this error. Return its problem details (RFC 9457)."""
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["type"].endswith(f":{code}")
    assert isinstance(found["detail"], str)
    assert found["title"]
    return found


def wrong_fields(response: httpx.Response) -> list[str]:
    """Return the fields that a 422 names."""
    return [error["field"] for error in problem(response, 422, "invalid-field")["errors"]]


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Return bytes that differ within a file and between seeds."""
    block = bytes((index * 7 + index // 256 + seed) % 256 for index in range(65_537))
    return (block * (size // len(block) + 1))[:size]
