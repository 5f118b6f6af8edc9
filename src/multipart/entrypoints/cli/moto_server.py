"""Serve moto's S3 on a host and a port until standard input ends, and print the port.

Run as a script by emulator.py. `python -m moto.server` would outlive a parent that is killed, and
names a free port that it chose only in its log.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def serve(host: str, port: int) -> None:
    """Serve until the parent ends; port 0 takes a free one."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server(host, port, app, threaded=True)
    print(server.port, flush=True)  # noqa: T201  # the parent reads it
    server.serve_forever()


def _exit_with_parent() -> None:
    # The pipe closes when the parent ends, however it ends.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
