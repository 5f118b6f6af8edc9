"""A client's connections to the service and to S3, with retries for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Final

import httpx

from tests.e2e.upload import Upload, answer
from tests.patience import PATIENCE_SECONDS

_PAUSE: Final = (0.05, 0.25)


class UnexpectedAnswer(AssertionError):  # noqa: N818  # a finding about the service
    """The service or S3 gave an answer that no client has to expect."""


class ClientDiedError(Exception):
    """The client ends in the middle of a PUT."""


class Connections:
    """Repeat calls as a well-behaved client does; `where` returns the service's current URL."""

    def __init__(self, where: Callable[[], str], random: Random) -> None:
        self._where = where
        self._random = random
        # Both speak plain HTTP, and loading the certificates takes longer than an upload.
        self.api = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS, verify=False)  # noqa: S501
        self._s3 = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS, verify=False)  # noqa: S501

    def close(self) -> None:
        self.api.close()
        self._s3.close()

    def ask(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """Call the service until it gives an answer that does not ask for a retry."""
        return self._retry(lambda: self._once(call), _is_busy)

    def ask_once(self, call: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Call the service once. Return None if it is away or asks for a retry."""
        with suppress(httpx.TransportError):
            response = self._once(call)
            return None if _is_busy(response) else response
        return None

    def put(self, upload: Upload, number: int, part: bytes) -> str:
        """Sign a part and PUT it, on a new URL each time, until S3 accepts it. Return the ETag."""
        put = self._retry(lambda: self._put(upload, number, part, len(part)), _has_failed)
        if put.status_code != httpx.codes.OK:
            msg = f"S3 refuses part {number} of {upload.key}: {put.status_code} {put.text}"
            raise UnexpectedAnswer(msg)
        return put.headers["etag"]

    def abandon_put_halfway(self, upload: Upload, number: int, part: bytes) -> None:
        """Send the first half of a part, then drop the connection."""

        def half() -> Iterator[bytes]:
            yield part[: len(part) // 2]
            raise ClientDiedError

        with suppress(ClientDiedError, httpx.TransportError):
            self._put(upload, number, half(), len(part))

    def _put(
        self, upload: Upload, number: int, content: bytes | Iterator[bytes], length: int
    ) -> httpx.Response:
        signed = answer(self.ask(lambda: upload.sign(number, content_length=length)))
        return self._s3.put(signed["signed_url"], content=content, headers=signed["headers"])

    def _once(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        self.api.base_url = self._where()
        return call()

    def _retry(
        self, call: Callable[[], httpx.Response], will_pass: Callable[[httpx.Response], bool]
    ) -> httpx.Response:
        give_up = time.monotonic() + PATIENCE_SECONDS
        seen = "nothing"
        while time.monotonic() < give_up:
            pause = self._random.uniform(*_PAUSE)
            try:
                response = call()
            except httpx.TransportError as exc:
                # Only the path: the query of a signed URL is a secret.
                seen = f"{type(exc).__name__} of {exc.request.method} {exc.request.url.path}"
            else:
                if not will_pass(response):
                    return response
                seen = f"{response.status_code} {response.text[:300]}"
                pause = float(response.headers.get("retry-after", pause))
            time.sleep(pause)
        msg = f"no answer within {PATIENCE_SECONDS:.0f} s, last seen: {seen}"
        raise UnexpectedAnswer(msg)


def _is_busy(response: httpx.Response) -> bool:
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        if "retry-after" not in response.headers:
            msg = f"503 without Retry-After: {response.text}"
            raise UnexpectedAnswer(msg)
        return True
    return response.status_code == httpx.codes.CONFLICT and "retry-after" in response.headers


def _has_failed(response: httpx.Response) -> bool:
    return response.is_server_error
