"""An upload through Companion's routes, as Uppy sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from . import direct


@dataclass(frozen=True, slots=True)
class CompanionUpload:
    """One upload; each method sends one request to the service unless documented."""

    api: httpx.Client
    created: Mapping[str, Any]

    @classmethod
    def create(cls, api: httpx.Client, filename: str = "film.mp4", **more: object) -> Self:
        body = {"filename": filename, "type": "video/mp4", **more}
        return cls(api, success(api.post("/s3/multipart", json=body)))

    @property
    def key(self) -> str:
        return str(self.created["key"])

    @property
    def path(self) -> str:
        return f"/s3/multipart/{self.created['uploadId']}"

    def list(self) -> httpx.Response:
        return self.api.get(self.path, params={"key": self.key})

    def sign(self, number: object) -> httpx.Response:
        return self.api.get(f"{self.path}/{number}", params={"key": self.key})

    def sign_batch(self, numbers: str) -> httpx.Response:
        query = {"key": self.key, "partNumbers": numbers}
        return self.api.get(f"{self.path}/batch", params=query)

    def put(self, number: int, body: bytes) -> dict[str, Any]:
        """Sign a part and PUT it to S3. Return its entry for the complete request."""
        url = success(self.sign(number))["url"]
        sent = direct.put(url, body).raise_for_status()
        return {"PartNumber": number, "ETag": sent.headers["etag"]}

    def complete(self, *parts: Mapping[str, Any]) -> httpx.Response:
        body = {"parts": list(parts)}
        return self.api.post(f"{self.path}/complete", params={"key": self.key}, json=body)

    def abort(self) -> httpx.Response:
        return self.api.delete(self.path, params={"key": self.key})


def success(response: httpx.Response) -> Any:
    """Return the JSON of a success. Uppy 5 treats any body with `error` as a failure."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found = response.json()
    assert "error" not in found
    return found


def refusal(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the body of this error, which has the fields of Companion and of Uppy 5."""
    found: dict[str, Any] = response.json()
    assert (response.status_code, found.get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/json"
    assert found["error"] == found["message"]
    assert isinstance(found["message"], str)
    assert found["requestId"] == response.headers["x-request-id"]
    return found
