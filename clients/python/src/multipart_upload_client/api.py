"""The service's HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, TypeVar

import httpx

from .answers import (
    Json,
    StartedUpload,
    read_page,
    read_result,
    read_started,
    read_status,
    read_time,
)
from .credentials import Credentials
from .errors import AuthenticationError, ChecksumMismatchError, ServiceError
from .http import COMPLETE_TIMEOUT, TIMEOUT, translate_errors
from .models import UploadReference, UploadResult, UploadStatus, UploadSummary
from .retry import RetryPolicy, parse_retry_after
from .store import SignedPart

T = TypeVar("T")

UNREADABLE: Final = "unreadable-answer"
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the store has acknowledged with an ETag."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class ServiceApi:
    """The routes, with retries. Raise ServiceError or NoAnswerError.

    Every request may be repeated; a start because it has an idempotency key.
    """

    http: httpx.AsyncClient
    url: str
    credentials: Credentials
    user_id: str | None
    retry: RetryPolicy

    async def start(self, fields: Mapping[str, Any], idempotency_key: str) -> StartedUpload:
        """Start an upload. With the same key and fields, return the same upload."""
        headers = {"Idempotency-Key": idempotency_key}
        answer = await self._post("start-upload", fields, headers=headers)
        return _read(answer, partial(read_started, size=fields.get("size")))

    async def sign(
        self, reference: UploadReference, numbers: Sequence[int]
    ) -> dict[int, SignedPart]:
        """Sign parts; those of a plan each for exactly its bytes."""
        fields = {**_names(reference), "part_numbers": list(numbers)}
        answer = await self._post("get-signed-urls", fields)
        until = _usable_until(answer)
        return _read(
            answer,
            lambda json: {
                url["part_number"]: SignedPart(url["signed_url"], until) for url in json["urls"]
            },
        )

    async def sign_part(
        self, reference: UploadReference, number: int, size: int, checksum: str
    ) -> SignedPart:
        """Sign one part, for exactly these bytes if the store can check their checksum."""
        query = {
            **_names(reference),
            "part_number": number,
            "content_length": size,
            "checksum_crc64nvme": checksum,
        }
        answer = await self._get("get-signed-url", query)
        until = _usable_until(answer)
        return _read(answer, lambda json: SignedPart(json["signed_url"], until, json["headers"]))

    async def record(self, reference: UploadReference, parts: Sequence[SentPart]) -> None:
        """Record parts that the store has acknowledged."""
        reports = [{"part_number": p.number, "etag": p.etag, "size": p.size} for p in parts]
        await self._post("upload-parts", {**_names(reference), "parts": reports})

    async def complete(
        self, reference: UploadReference, checksum: str | None = None
    ) -> UploadResult:
        """Assemble the object; a repeated call returns the same result.

        Raise ChecksumMismatchError if the object does not have the checksum.
        """
        declared = {} if checksum is None else {"checksum_crc64nvme": checksum}
        fields = {**_names(reference), **declared}
        answer = await self._post("complete-upload", fields, timeout=COMPLETE_TIMEOUT)
        return _read(answer, partial(read_result, reference=reference))

    async def abort(self, reference: UploadReference) -> None:
        """Discard the upload and its parts; a repeated call changes nothing."""
        await self._post("abort-upload", _names(reference))

    async def status(self, reference: UploadReference) -> UploadStatus:
        """Return the upload and which of its parts are missing."""
        return _read(await self._get("upload-status", _names(reference)), read_status)

    async def uploads(self, statuses: Sequence[str] = ()) -> AsyncIterator[UploadSummary]:
        """Yield the user's uploads, newest first."""
        query: dict[str, Any] = {"limit": _PAGE, "status": list(statuses)}
        while True:
            page = _read(await self._get("uploads", query), read_page)
            for upload in page.uploads:
                yield upload
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    @property
    def _user(self) -> dict[str, str]:
        return {} if self.user_id is None else {"user_id": self.user_id}

    async def _get(self, route: str, query: Mapping[str, Any]) -> httpx.Response:
        return await self._request("GET", route, params={**self._user, **query})

    async def _post(self, route: str, fields: Mapping[str, Any], **more: Any) -> httpx.Response:
        return await self._request("POST", route, json={**self._user, **fields}, **more)

    async def _request(self, method: str, route: str, **more: Any) -> httpx.Response:
        return await self.retry.run(lambda: self._attempt(method, route, **more))

    async def _attempt(self, method: str, route: str, **more: Any) -> httpx.Response:
        response, sent = await self._send(method, route, **more)
        if response.status_code == httpx.codes.UNAUTHORIZED and self.credentials.renew(sent):
            response, _ = await self._send(method, route, **more)
        if response.is_success:
            return response
        raise _to_error(response)

    async def _send(
        self,
        method: str,
        route: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,  # noqa: ASYNC109  # httpx's own, of a connection
        **more: Any,
    ) -> tuple[httpx.Response, dict[str, str]]:
        """Return the response, and the headers that authenticated the request."""
        identity = await self.credentials.headers()
        url = f"{self.url}/api/{route}"
        with translate_errors(f"The service at {self.url}"):
            response = await self.http.request(
                method, url, headers={**identity, **(headers or {})}, timeout=timeout, **more
            )
        return response, identity


def _names(reference: UploadReference) -> dict[str, str]:
    return {"upload_id": reference.upload_id, "key": reference.key}


def _read(response: httpx.Response, read: Callable[[Json], T]) -> T:
    """Read an answer. Raise ServiceError if it is not one of the service, but a proxy's page."""
    try:
        return read(response.json())
    except (ValueError, KeyError, TypeError):
        detail = "The answer cannot be read. Is this the URL of the service?"
        raise ServiceError(response.status_code, UNREADABLE, detail) from None


def _usable_until(response: httpx.Response) -> float:
    """Return when to stop using the URLs of an answer, on the clock of the event loop.

    The answer's own date is what their expiry compares with: this computer's clock may be wrong.
    """
    expires_at = _read(response, lambda json: read_time(json["expires_at"]))
    try:
        answered_at = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        answered_at = datetime.now(UTC)
    lifetime = (expires_at - answered_at).total_seconds()
    return asyncio.get_running_loop().time() + lifetime - min(30, lifetime / 10)


def _to_error(response: httpx.Response) -> ServiceError:
    problem = _problem(response)
    wrong = ", ".join(f"{e.get('field')} {e.get('message')}" for e in problem.get("errors", ()))
    detail = str(problem.get("detail") or f"The service answered {response.status_code}.")
    code = str(problem.get("code", ""))
    return _error_class(response.status_code, code)(
        response.status_code,
        code,
        f"{detail} ({wrong})" if wrong else detail,
        problem=problem,
        retry_after=parse_retry_after(response.headers.get("Retry-After")),
    )


def _error_class(status: int, code: str) -> type[ServiceError]:
    if code == "checksum-mismatch":
        return ChecksumMismatchError
    refused = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
    return AuthenticationError if status in refused else ServiceError


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    """Return the problem details; nothing from a proxy that answers in its own form."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
