"""Receipts of a running service, and the code in the guide that verifies them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import jwt
import pytest

from .bucket import Bucket
from .service import ROOT, environment, running_service
from .test_documentation import blocks, require_node
from .upload import Upload, answer

__all__ = ["require_node"]
_GUIDE: Final = ROOT / "docs/how-to/receipts.md"
_ADDRESS: Final = "http://127.0.0.1:8000"

pytestmark = pytest.mark.e2e


def complete_upload(api: httpx.Client) -> tuple[Upload, str]:
    upload = Upload.start(api, user_id="ada")
    upload.send(1, b"hello")
    assert answer(upload.status())["receipt"] is None
    return upload, str(answer(upload.complete())["receipt"])


def test_receipt_is_the_same_after_a_restart_and_verifies(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings) as service, service.client() as api:
        upload, receipt = complete_upload(api)
        assert answer(upload.complete())["receipt"] == receipt
        service.terminate()
    with running_service(tmp_path, bucket.settings) as service, service.client() as api:
        again = Upload(api, upload.user_id, upload.started)
        status = answer(again.status())
        assert answer(again.complete())["receipt"] == status["receipt"] == receipt
        published = api.get("/.well-known/jwks.json")
        url = f"{service.url}/.well-known/jwks.json"
        key = jwt.PyJWKClient(url).get_signing_key_from_jwt(receipt)
        log = service.log

    assert published.headers["cache-control"] == "public, max-age=300"
    claims = jwt.decode(receipt, key, algorithms=["EdDSA"], issuer="multipart-upload")
    assert claims["sub"] == "ada"
    assert claims["bucket"] == bucket.settings["S3_BUCKET_NAME"]
    stated = ("upload_id", "key", "location", "size", "etag", "checksum_crc64nvme")
    assert {name: claims.get(name) for name in stated} == {name: status[name] for name in stated}
    assert receipt not in log


def test_keys_need_no_credentials(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "AUTH": "api-key"}
    with running_service(tmp_path, settings) as service, service.client() as api:
        assert len(api.get("/.well-known/jwks.json").json()["keys"]) == 1


def test_unusable_key_ends_the_start(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "RECEIPT_KEY": "no PEM"}
    with (
        pytest.raises(RuntimeError, match="RECEIPT_KEY: must be an Ed25519 private key"),
        running_service(tmp_path, settings),
    ):
        pass


@pytest.mark.parametrize("language", ["python", "js"])
def test_code_in_the_guide_verifies_a_receipt(
    bucket: Bucket, tmp_path: Path, require_node: str, language: str
) -> None:
    (code,) = (block.code for block in blocks(_GUIDE, language))
    with running_service(tmp_path, bucket.settings) as service, service.client() as api:
        upload, receipt = complete_upload(api)
        header, payload, signature = receipt.split(".")
        forged = f"{header}.{payload[:-2]}AA.{signature}"
        folder = tmp_path / language
        folder.mkdir()
        code = code.replace(_ADDRESS, service.url)
        command = {
            "python": [sys.executable, "-c"],
            "js": [require_node, "--input-type=module", "-e"],
        }[language]

        def run(text: str) -> subprocess.CompletedProcess[str]:
            (folder / "receipt.txt").write_text(text)
            return subprocess.run(
                [*command, code],
                cwd=folder,
                env=environment({}),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        verified, refused = run(receipt), run(forged)

    assert verified.returncode == 0, verified.stderr
    assert upload.key in verified.stdout
    assert refused.returncode != 0
    assert upload.key not in refused.stdout
