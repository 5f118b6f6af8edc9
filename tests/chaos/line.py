"""A client's lines to the service and to S3, and its patience with both."""

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


class Broken(AssertionError):  # noqa: N818  # a finding about the service, no error of ours
    """The service or S3 has answered what no client need expect."""


class ClientDiedError(Exception):
    """The client ends amid a PUT."""


class Line:
    """Repeats a call as a well-behaved client does; `where` is the service's address by now."""

    def __init__(self, where: Callable[[], str], random: Random) -> None:
        self._where = where
        self._random = random
        # They speak plain HTTP: to read the certificates takes longer than an upload.
        self.api = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS, verify=False)  # noqa: S501
        self._s3 = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS, verify=False)  # noqa: S501

    def close(self) -> None:
        self.api.close()
        self._s3.close()

    def asked(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask the service until it answers, and not that a later try may go better."""
        return self._patiently(lambda: self._once(call), _is_busy)

    def asked_once(self, call: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Ask the service, and give None if it has no answer right now."""
        with suppress(httpx.TransportError):
            response = self._once(call)
            return None if _is_busy(response) else response
        return None

    def put(self, upload: Upload, number: int, part: bytes) -> str:
        """Sign a part and PUT it, each time on a new URL, until S3 takes it; give the ETag."""
        put = self._patiently(lambda: self._put(upload, number, part, len(part)), _has_failed)
        if put.status_code != httpx.codes.OK:
            msg = f"S3 refuses part {number} of {upload.key}: {put.status_code} {put.text}"
            raise Broken(msg)
        return put.headers["etag"]

    def die_amid_put(self, upload: Upload, number: int, part: bytes) -> None:
        """Send one half."""

        def half() -> Iterator[bytes]:
            yield part[: len(part) // 2]
            raise ClientDiedError

        with suppress(ClientDiedError, httpx.TransportError):
            self._put(upload, number, half(), len(part))

    def _put(
        self, upload: Upload, number: int, content: bytes | Iterator[bytes], length: int
    ) -> httpx.Response:
        signed = answer(self.asked(lambda: upload.sign(number, content_length=length)))
        return self._s3.put(signed["signed_url"], content=content, headers=signed["headers"])

    def _once(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        self.api.base_url = self._where()
        return call()

    def _patiently(
        self, call: Callable[[], httpx.Response], will_pass: Callable[[httpx.Response], bool]
    ) -> httpx.Response:
        give_up = time.monotonic() + PATIENCE_SECONDS
        seen = "nothing"
        while time.monotonic() < give_up:
            pause = self._random.uniform(*_PAUSE)
            try:
                response = call()
            except httpx.TransportError as exc:
                # The path alone: the query of a signed URL is a secret.
                seen = f"{type(exc).__name__} of {exc.request.method} {exc.request.url.path}"
            else:
                if not will_pass(response):
                    return response
                seen = f"{response.status_code} {response.text[:300]}"
                pause = float(response.headers.get("retry-after", pause))
            time.sleep(pause)
        msg = f"no answer within {PATIENCE_SECONDS:.0f} s, at last: {seen}"
        raise Broken(msg)


def _is_busy(response: httpx.Response) -> bool:
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        if "retry-after" not in response.headers:
            msg = f"503 without Retry-After: {response.text}"
            raise Broken(msg)
        return True
    return response.status_code == httpx.codes.CONFLICT and "retry-after" in response.headers


def _has_failed(response: httpx.Response) -> bool:
    return response.is_server_error
