"""Pages with Uppy, bundled from the npm packages, and their web server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from tests.patience import PATIENCE_SECONDS

GENERATIONS: Final = ("uppy5", "uppy6")
_HERE: Final = Path(__file__).parents[1]
_ESBUILD: Final = _HERE / "node_modules" / ".bin" / "esbuild"
_HTML: Final = (
    '<!doctype html><meta charset="utf-8"><script type="module" src="{name}.js"></script>'
)


def find_missing_tool() -> str | None:
    """Return what is missing for the bundles, or None."""
    if shutil.which("node") is None:
        return "no node on PATH"
    if not _ESBUILD.exists():
        return "Uppy is not installed: npm ci --ignore-scripts in tests/browser"
    return None


def bundle(folder: Path) -> None:
    """Write one page per Uppy version, bundled from the unmodified packages."""
    sources = [f"{name}={_HERE / name / 'app.js'}" for name in GENERATIONS]
    subprocess.run(
        [str(_ESBUILD), *sources, "--bundle", "--format=esm", f"--outdir={folder}"],
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    for name in GENERATIONS:
        (folder / f"{name}.html").write_text(_HTML.format(name=name))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on its own port, so that its origin differs from the service's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
