"""Receipts of completed uploads."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from multipart_upload.adapters.jwt import create_receipt_key
from multipart_upload.application.issue_receipt import IssueReceipt
from multipart_upload.container import check_adapters
from multipart_upload.domain.session import UploadSession
from multipart_upload.receipts import open_receipt_signer
from multipart_upload.settings import Settings, SettingsError, load_settings
from multipart_upload.testing.memory import MemoryReceiptKeyRepository
from multipart_upload_client import ReceiptError, verify_receipt

from .service import BODY, new_service, reference_to


@pytest.fixture
def disk(tmp_path: Path) -> dict[str, str]:
    return {
        "object_store": "disk",
        "disk_store_path": str(tmp_path / "uploads"),
        "disk_store_secret": "0" * 64,
        "disk_store_public_url": "http://127.0.0.1:8000/objects",
        "database_url": f"sqlite+aiosqlite:///{tmp_path}/multipart.db",
    }


async def issuer(
    settings: Settings, stored: MemoryReceiptKeyRepository | None = None
) -> IssueReceipt:
    return IssueReceipt(await open_receipt_signer(settings, stored))


async def completed_upload() -> UploadSession:
    service = new_service()
    return await service.complete(reference_to(await service.upload_whole()))


def key_set(issue: IssueReceipt) -> dict[str, Any]:
    return {"keys": [dict(key) for key in issue.public_keys]}


async def test_receipt_states_what_is_recorded(disk: dict[str, str]) -> None:
    issue = await issuer(load_settings(**disk), MemoryReceiptKeyRepository())
    session = await completed_upload()
    receipt = issue(session)

    assert receipt is not None
    assert session.result is not None
    assert verify_receipt(receipt, key_set(issue)) == {
        "iss": "multipart-upload",
        "sub": "ada",
        "upload_id": session.id,
        "bucket": "uploads",
        "key": session.key,
        "location": session.result.location,
        "size": len(BODY),
        "etag": session.result.etag,
        "checksum_crc64nvme": session.result.checksum,
        "completed_at": "2026-01-01T00:00:00.000Z",
    }


async def test_unknown_checksum_is_left_out(disk: dict[str, str]) -> None:
    issue = await issuer(load_settings(**disk), MemoryReceiptKeyRepository())
    session = await completed_upload()
    assert session.result is not None
    receipt = issue(replace(session, result=replace(session.result, checksum=None)))

    assert "checksum_crc64nvme" not in verify_receipt(receipt or "", key_set(issue))


async def test_only_completed_uploads_have_receipts(disk: dict[str, str]) -> None:
    issue = await issuer(load_settings(**disk), MemoryReceiptKeyRepository())
    service = new_service()
    session = await service.start_session()
    assert issue(session) is None
    await service.abort(reference_to(session))
    assert issue(await service.reload(session)) is None


async def test_replicas_that_start_together_sign_the_same_receipt(disk: dict[str, str]) -> None:
    stored, session = MemoryReceiptKeyRepository(), await completed_upload()
    settings = load_settings(**disk)
    replicas = await asyncio.gather(*(issuer(settings, stored) for _ in range(4)))

    assert len({issue(session) for issue in replicas}) == 1


async def test_without_any_key_there_are_no_receipts(disk: dict[str, str]) -> None:
    issue = await issuer(load_settings(**disk))
    assert issue(await completed_upload()) is None
    assert issue.public_keys == ()


async def test_earlier_keys_verify_their_receipts_after_a_rotation(
    disk: dict[str, str], tmp_path: Path
) -> None:
    stored, session = MemoryReceiptKeyRepository(), await completed_upload()
    by_stored_key = (await issuer(load_settings(**disk), stored))(session) or ""
    first, second = create_receipt_key().pem, create_receipt_key().pem
    file = tmp_path / "keys.pem"
    file.write_text(first)
    settings = load_settings(**disk, receipt_key_file=str(file))
    by_first = (await issuer(settings, stored))(session) or ""
    # Of the earlier key, the public half is enough.
    file.write_text(second + public_half(first))
    issue = await issuer(settings, stored)
    by_second = issue(session) or ""

    assert len({by_stored_key, by_first, by_second}) == 3
    claims = [verify_receipt(r, key_set(issue)) for r in (by_stored_key, by_first, by_second)]
    assert claims[0] == claims[1] == claims[2]
    assert jwt.get_unverified_header(by_second)["kid"] == issue.public_keys[0]["kid"]
    assert all("d" not in key for key in issue.public_keys)


async def test_helper_refuses_forged_receipts(disk: dict[str, str]) -> None:
    issue = await issuer(load_settings(**disk), MemoryReceiptKeyRepository())
    receipt = issue(await completed_upload()) or ""
    header, payload, signature = receipt.split(".")
    claims = {**jwt.decode(receipt, options={"verify_signature": False}), "size": 1}
    head = jwt.get_unverified_header(receipt)
    named = {name: head[name] for name in ("kid", "typ")}
    public = issue.public_keys[0]["x"].ljust(64, "0")
    forged = [
        f"{header}.{encode(claims)}.{signature}",
        f"{encode({**head, 'alg': 'none'})}.{encode(claims)}.",
        f"{encode({**head, 'typ': 'JWT'})}.{payload}.{signature}",
        jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers=named),
        jwt.encode(claims, public, "HS256", headers=named),
        "",
    ]
    for text in forged:
        with pytest.raises(ReceiptError):
            verify_receipt(text, key_set(issue))
    with pytest.raises(ReceiptError):
        verify_receipt(receipt, key_set(issue), issuer="another service")
    with pytest.raises(ReceiptError):
        verify_receipt(receipt, {"keys": []})


@pytest.mark.parametrize("name", ["receipt_key", "receipt_key_file"])
@pytest.mark.parametrize("kind", ["text", "another curve", "public", "bad second key"])
def test_unusable_key_is_an_error_that_names_the_setting(
    disk: dict[str, str], tmp_path: Path, name: str, kind: str
) -> None:
    good = create_receipt_key().pem
    pem = {
        "text": "c2VjcmV0",
        "another curve": ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
        "public": public_half(good),
        "bad second key": good + "-----BEGIN PUBLIC KEY-----\nc2VjcmV0\n-----END PUBLIC KEY-----",
    }[kind]
    file = tmp_path / "key.pem"
    file.write_text(pem)
    settings = load_settings(**disk, **{name: str(file) if name.endswith("file") else pem})

    with pytest.raises(ValueError, match=f"{name.upper()}: must be an Ed25519") as caught:
        check_adapters(settings)
    assert caught.value.__cause__ is None
    assert "c2VjcmV0" not in str(caught.value)


def test_missing_file_and_two_settings_are_errors(disk: dict[str, str], tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(ValueError, match="RECEIPT_KEY_FILE: "):
        check_adapters(load_settings(**disk, receipt_key_file=missing))
    with pytest.raises(SettingsError, match="RECEIPT_KEY_FILE: must not be set with RECEIPT_KEY"):
        load_settings(**disk, receipt_key_file=missing, receipt_key="x")


async def test_key_in_one_line_is_accepted_and_shown_nowhere(disk: dict[str, str]) -> None:
    key = create_receipt_key()
    settings = load_settings(**disk, receipt_key=key.pem.replace("\n", "\\n"))
    issue = await issuer(settings)

    assert issue(await completed_upload())
    secret = key.pem.splitlines()[1]
    assert secret not in f"{key!r} {settings!r} {issue!r}"


def public_half(pem: str) -> str:
    private = load_pem_private_key(pem.encode(), password=None)
    found = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


def encode(part: object) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
