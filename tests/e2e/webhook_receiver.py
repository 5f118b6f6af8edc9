"""A receiver of webhooks, which verifies signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """Answers every event with `status`, and keeps those with a valid signature."""

    secret: str
    url: str = ""
    status: int = 204
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    hang: Event | None = None

    @property
    def types(self) -> list[str]:
        return [body["type"] for _, body in self.received]

    @property
    def ids(self) -> list[str]:
        return [event_id for event_id, _ in self.received]

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Keep an event. Raise WebhookVerificationError if it is not signed by the secret."""
        Webhook(self.secret).verify(body, headers)
        self.signatures.append(headers["webhook-signature"])
        self.received.append((headers["webhook-id"], json.loads(body)))


@contextmanager
def running_receiver(secret: str) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.hang is not None:
                receiver.hang.wait()
            receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        if receiver.hang is not None:
            receiver.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()
