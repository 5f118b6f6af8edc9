"""A proxy that forwards only complete requests.

versitygw 1.8 keeps a PUT that was cut as a part of full length with wrong bytes at the end, and
lists it like any other; AWS keeps nothing. Behind this proxy, versitygw behaves like AWS.
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

_PER_CONNECTION: Final = frozenset({"connection", "content-length", "transfer-encoding"})


class _Forwarder(BaseHTTPRequestHandler):
    """Forward a request, including its Host header, once its body is complete."""

    protocol_version = "HTTP/1.1"
    upstream: str

    def forward(self) -> None:
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

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = forward  # noqa: N815  # http.server's names

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _PER_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client has disconnected
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def whole_request_proxy(endpoint_url: str) -> Iterator[str]:
    """Run a proxy on a free port. Yield its URL for clients."""
    handler = type("Forwarder", (_Forwarder,), {"upstream": urlsplit(endpoint_url).netloc})
    server = _Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
