"""The commands and the code in the documentation work as printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from .bucket import Bucket
from .service import ROOT, environment, running_service

pytestmark = pytest.mark.e2e

_PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_FENCE: Final = re.compile(
    r"(?P<mark><!-- not run: [^\n]+ -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FIRST_UPLOAD: Final = ROOT / "docs/tutorial/first-upload.md"
_BROWSER: Final = ROOT / "docs/tutorial/browser.md"
_ADDRESS: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; one that is marked says why no test runs it."""

    language: str
    code: str
    is_marked: bool


def blocks(page: Path, language: str) -> list[Block]:
    """Read the blocks of a page in one language."""
    found = [
        Block(match["language"], match["code"], match["mark"] is not None)
        for match in _FENCE.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.language == language]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_have_a_test_or_are_marked_as_not_run(page: Path) -> None:
    unmarked = [block.code for block in blocks(page, "sh") if not block.is_marked]

    assert page == _FIRST_UPLOAD or unmarked == []


def test_the_first_upload_works_as_typed(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings) as service:
        typed = "\n".join(b.code for b in blocks(_FIRST_UPLOAD, "sh") if not b.is_marked)
        # Without `-u` a misspelt variable would be an empty one.
        script = "set -euo pipefail\n" + typed.replace(_ADDRESS, service.url)
        folder = tmp_path / "terminal"
        folder.mkdir()
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=folder,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert "Upload completed successfully" in done.stdout
    assert '"size":12000000' in done.stdout.replace(" ", "")


def test_the_browser_code_uploads_a_file(bucket: Bucket, tmp_path: Path, require_node: str) -> None:
    (code,) = (block.code for block in blocks(_BROWSER, "js"))
    with running_service(tmp_path, bucket.settings) as service:
        module = tmp_path / "upload.mjs"
        module.write_text(code.replace("https://uploads.example.org", service.url))
        page = f"""
            import {{ upload }} from '{module.as_uri()}'
            const file = new File([new Uint8Array(9_000_000)], 'film.mp4', {{ type: 'video/mp4' }})
            console.log(JSON.stringify(await upload(file, 'alice')))
        """
        done = subprocess.run(
            [require_node, "--input-type=module", "-e", page],
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert '"size":9000000' in done.stdout


def test_client_in_the_readme_uploads_a_file(bucket: Bucket, tmp_path: Path) -> None:
    (code,) = (block.code for block in blocks(ROOT / "README.md", "python"))
    (tmp_path / "film.mp4").write_bytes(bytes(9_000_000))
    with running_service(tmp_path, bucket.settings) as service:
        done = subprocess.run(
            [sys.executable, "-c", code.replace(_ADDRESS, service.url)],
            cwd=tmp_path,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/film.mp4")


@pytest.fixture
def require_node() -> str:
    """Find Node, in which the code runs as in a browser but for CORS."""
    node = shutil.which("node")
    if node is None and os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail("no node on PATH")
    return node or pytest.skip("no node on PATH")
