"""What stands in front of S3's own stores: it passes on whole requests alone.

versitygw 1.8 keeps a PUT that was cut in the middle as a part of its full length, wrong bytes
at its end, and lists it like any other; AWS keeps nothing of it. Behind this,
versitygw does as AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from tests.patience import PATIENCE_SECONDS

_OUR_OWN: Final = frozenset({"connection", "content-length", "transfer-encoding"})


class _Passing(BaseHTTPRequestHandler):
    """Sends a request on, its host and all, when it is there to its last byte."""

    protocol_version = "HTTP/1.1"
    upstream: str

    def pass_on(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        connection = HTTPConnection(self.upstream, timeout=PATIENCE_SECONDS)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        self._answer(answer.status, answer.getheaders(), answer.read())
        connection.close()

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = pass_on  # noqa: N815  # http.server's names

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OUR_OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client has hung up
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def whole_puts_to(endpoint_url: str) -> Iterator[str]:
    """Listen on a port of its own, and give the address that clients are to see."""
    handler = type("Passing", (_Passing,), {"upstream": urlsplit(endpoint_url).netloc})
    server = _Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
