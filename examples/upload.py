#!/usr/bin/env python3
"""Upload a file through the four endpoints, with parts in parallel and no dependencies."""

from __future__ import annotations

import argparse
import json
import mimetypes
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener, urlopen
from uuid import uuid4

ATTEMPTS = 4
TRANSIENT = {429, 500, 502, 503, 504}


class PartConnection(HTTPConnection):
    """Read the response even if S3 closes the connection before it has read the whole part.

    A store that refuses a part may do that: sending fails, and only the response says why.
    """

    def send(self, data: Any) -> None:
        """Send as much as the store accepts."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().send(data)


class TlsPartConnection(PartConnection, HTTPSConnection):
    """The same over TLS."""


class PartHandler(HTTPHandler, HTTPSHandler):
    """PUT parts without a Content-Type; some stores refuse one that is not signed."""

    def http_open(self, request: Request) -> HTTPResponse:
        """Send a request."""
        return self.do_open(PartConnection, request)

    def https_open(self, request: Request) -> HTTPResponse:
        """Send a request over TLS."""
        return self.do_open(TlsPartConnection, request)

    def http_request(self, request: Request) -> Request:
        """Remove the Content-Type of a form, which urllib adds to every body."""
        request = self.do_request_(request)
        request.unredirected_hdrs.pop("Content-type", None)
        return request

    https_request = http_request


put_part = build_opener(PartHandler).open


def call(
    request: Request | str, send: Callable[..., Any] = urlopen
) -> tuple[bytes, dict[str, str]]:
    """Send a request. Retry transient failures after a pause."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with send(request, timeout=600) as answer:
                return answer.read(), dict(answer.headers)
        except HTTPError as exc:
            is_transient = exc.code in TRANSIENT or "Retry-After" in exc.headers
            if not is_transient or attempt == ATTEMPTS:
                raise
            time.sleep(float(exc.headers.get("Retry-After", attempt)))
        except (OSError, HTTPException):  # connection refused, closed or timed out
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt)
    raise AssertionError


class Upload:
    """The upload of one file."""

    def __init__(self, api: str, user_id: str, file: Path) -> None:
        self.api, self.user_id, self.file = api.rstrip("/"), user_id, file
        self.session: dict[str, Any] = {}

    def run(self, parallel: int) -> dict[str, Any]:
        """Upload the file and return the response of complete-upload."""
        size = self.file.stat().st_size
        content_type = mimetypes.guess_type(self.file.name)[0] or "application/octet-stream"
        # With this key, a start repeated after a lost response returns the same upload.
        once = {"Idempotency-Key": str(uuid4())}
        self.session = self.post(
            "start-upload", once, filename=self.file.name, content_type=content_type, size=size
        )
        with ThreadPoolExecutor(parallel) as pool:
            parts = [pool.submit(self.send, *part) for part in self.parts(size)]
            sent = 0
            try:
                for part in as_completed(parts):
                    sent += part.result()
                    print(
                        f"\r{sent / max(size, 1):7.1%} of {size:,} bytes", end="", file=sys.stderr
                    )
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        print(file=sys.stderr)
        return self.post("complete-upload", **self.identity)

    @property
    def identity(self) -> dict[str, str]:
        """The fields that identify the upload in every later call."""
        return {name: self.session[name] for name in ("upload_id", "key")}

    def parts(self, size: int) -> Iterator[tuple[int, int, int]]:
        """Yield number, offset and length of every part."""
        part_size = self.session["part_size"]
        for number in range(1, self.session["part_count"] + 1):
            offset = (number - 1) * part_size
            yield number, offset, min(part_size, size - offset)

    def send(self, number: int, offset: int, length: int) -> int:
        """Sign, PUT and record one part; return its bytes."""
        with self.file.open("rb") as file:
            file.seek(offset)
            body = file.read(length)
        query = urlencode({**self.identity, "part_number": number, "content_length": length})
        signed = json.loads(call(f"{self.api}/api/get-signed-url?{query}")[0])
        put = Request(signed["signed_url"], body, signed["headers"], method="PUT")  # noqa: S310
        _, headers = call(put, put_part)
        etag = next(value for name, value in headers.items() if name.lower() == "etag")
        self.post("upload-part", **self.identity, part_number=number, etag=etag, size=length)
        return length

    def post(
        self, route: str, more: Mapping[str, str] = MappingProxyType({}), **fields: object
    ) -> dict[str, Any]:
        """POST to a route of the service as this user."""
        body = json.dumps({"user_id": self.user_id, **fields}).encode()
        headers = {"Content-Type": "application/json", **more}
        request = Request(f"{self.api}/api/{route}", data=body, headers=headers)  # noqa: S310
        answer: dict[str, Any] = json.loads(call(request)[0])
        return answer


def main() -> None:
    """Read the command line, upload, and print where the object is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--api", default="http://127.0.0.1:8000", help="service URL [%(default)s]")
    parser.add_argument("--user", default="alice", help="the owner of the upload [%(default)s]")
    parser.add_argument("--parallel", type=int, default=4, help="parts in parallel [%(default)s]")
    options = parser.parse_args()
    try:
        result = Upload(options.api, options.user, options.file).run(options.parallel)
    except HTTPError as exc:
        sys.exit(f"{exc.url.partition('?')[0]} answered {exc.code}: {exc.read().decode()}")
    except (OSError, HTTPException) as exc:
        sys.exit(str(exc))
    print(result["location"])


if __name__ == "__main__":
    main()
