"""Any file name is accepted: its key is safe, and downloads have the original name."""

from __future__ import annotations

import re
from urllib.parse import unquote

import httpx
import pytest

from .bucket import Bucket
from .upload import Upload, answer

pytestmark = pytest.mark.e2e


def offered_name(disposition: str) -> str:
    """Return the name that a browser uses: `filename*` before `filename` (RFC 6266)."""
    extended = re.search(r"filename\*=UTF-8''([^;]+)", disposition)
    plain = re.search(r'filename="([^"]*)"', disposition)
    assert extended or plain, disposition
    return unquote(extended[1]) if extended else str(plain and plain[1])


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("Ünïcödé — 文件 🎬.mp4", "Ünïcödé — 文件 🎬.mp4"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\Users\\eve\\run.exe", "run.exe"),
        ("a\r\nX-Evil: 1\x00.txt", "aX-Evil: 1.txt"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ('quote"; filename=".txt', 'quote"; filename=".txt'),
        ("a?b#c&d=e+f %2e%2e.txt", "a?b#c&d=e+f %2e%2e.txt"),
        ("..", "file"),
        ("n" * 300 + ".mp4", "n" * 196 + ".mp4"),
    ],
)
def test_file_name_makes_a_safe_key_and_downloads_unchanged(
    each_api: httpx.Client, bucket: Bucket, name: str, component: str
) -> None:
    upload = Upload.start(each_api, name)

    upload.send(1, b"x")
    answer(upload.complete())

    assert upload.key_of_file(upload.user_id, component).fullmatch(upload.key)
    kept = name.replace("\0", "")  # no file system allows it
    shown = re.sub(
        "[\r\n\u202e]", "", kept
    )  # control characters that disguise an extension are removed
    assert offered_name(bucket.download(upload.key).disposition) == shown
    assert answer(upload.status())["filename"] == kept


def test_user_id_with_separators_stays_one_key_component(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api, "a.txt", user_id="../bob/%2F")

    upload.send(1, b"x")
    answer(upload.complete())

    assert upload.key_of_file("..%2Fbob%2F%252F", "a.txt").fullmatch(upload.key)
