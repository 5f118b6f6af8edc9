"""The store in a folder: kills at every change of the file system, races, and dangerous keys."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from multipart_upload.adapters.disk import uploads
from multipart_upload.domain.errors import (
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
)
from multipart_upload.testing.contract.sample_uploads import KEY, new_object

from .disk import HOUR, DiskStore, open_disk

FIRST: Final = bytes(5 * 1024 * 1024)
CHANGES: Final = ("fsync", "mkdir", "rename", "replace", "rmdir", "unlink", "copy_file_range")


class Killed(BaseException):
    """The process was killed."""


@contextmanager
def kill_at(change: int) -> Iterator[list[str]]:
    """Kill the process at one change of the file system: neither it nor a later one happens."""
    done: list[str] = []

    def wrap(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if len(done) >= change:
                raise Killed
            done.append(name)
            return function(*args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, wrap(name, getattr(os, name)))
        yield done


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[DiskStore]:
    async with open_disk(tmp_path / "store") as disk:
        yield disk


@pytest.fixture(autouse=True)
def _no_grace_for_abandoned_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "ABANDONED_SECONDS", -1)


async def sweep(disk: DiskStore) -> None:
    """Abort what is open, as the sweep does."""
    page = await disk.store.scan_uploads("")
    for upload in page.uploads:
        await disk.store.abort_upload(upload.key, upload.store_upload_id)
    await disk.store.scan_uploads("")


async def test_kill_during_a_complete_loses_nothing(tmp_path: Path) -> None:
    killed = True
    for change in range(100):
        async with open_disk(tmp_path / str(change)) as disk:
            upload_id, new = await disk.open_upload(FIRST, b"last")
            parts = await disk.store.list_parts(KEY, upload_id)
            killed = True
            with kill_at(change), suppress(Killed):
                await disk.store.complete_upload(KEY, upload_id, parts)
                killed = False
            # As the use case does: complete again, or prove that it was completed.
            with suppress(StoreUploadGoneError):
                await disk.store.complete_upload(KEY, upload_id, parts)
            found = await disk.store.head_object(KEY)
            assert found is not None
            assert (found.upload_id, found.nonce) == (new.upload_id, new.nonce)
            assert (disk.root / KEY).read_bytes() == FIRST + b"last"
            await sweep(disk)
            assert disk.leftovers() == []
            if not killed:
                break
    assert not killed


async def test_kill_during_a_complete_then_abort_leaves_the_object_or_nothing(
    tmp_path: Path,
) -> None:
    outcomes = set()
    killed = True
    for change in range(100):
        async with open_disk(tmp_path / str(change)) as disk:
            upload_id, new = await disk.open_upload(b"whole")
            parts = await disk.store.list_parts(KEY, upload_id)
            killed = True
            with kill_at(change), suppress(Killed):
                await disk.store.complete_upload(KEY, upload_id, parts)
                killed = False
            found = await disk.store.head_object(KEY)
            outcomes.add(found is not None)
            await sweep(disk)
            assert disk.leftovers() == []
            assert (disk.root / KEY).exists() == (found is not None)
            if found is not None:
                assert (found.upload_id, found.nonce) == (new.upload_id, new.nonce)
            if not killed:
                break
    assert outcomes == {True, False}


async def test_kill_while_a_part_is_received_leaves_nothing_after_a_sweep(
    tmp_path: Path,
) -> None:
    killed = True
    for change in range(20):
        async with open_disk(tmp_path / str(change)) as disk:
            upload_id, _ = await disk.open_upload(b"before")
            killed = True
            with kill_at(change), suppress(Killed):
                await disk.put(upload_id, 1, b"after")
                killed = False
            (part,) = await disk.store.list_parts(KEY, upload_id)
            assert part.size in ({5, 6} if killed else {5})
            await sweep(disk)
            assert disk.leftovers() == []
            if not killed:
                break
    assert not killed


@pytest.mark.parametrize("ending", ["create", "abort"])
async def test_kill_at_the_start_or_end_of_an_upload_leaves_nothing_after_a_sweep(
    tmp_path: Path, ending: str
) -> None:
    killed = True
    for change in range(30):
        async with open_disk(tmp_path / str(change)) as disk:
            killed = True
            upload_id, _ = await disk.open_upload(b"part")
            with kill_at(change), suppress(Killed):
                if ending == "create":
                    await disk.open_upload(key="a/b")
                else:
                    await disk.store.abort_upload(KEY, upload_id)
                killed = False
            await sweep(disk)
            assert disk.leftovers() == []
            assert not (disk.root / "uploads").exists()
            if not killed:
                break
    assert not killed


@pytest.mark.parametrize("attempt", range(20))
async def test_complete_and_abort_at_once_have_one_winner(disk: DiskStore, attempt: int) -> None:
    upload_id, new = await disk.open_upload(b"whole")
    parts = await disk.store.list_parts(KEY, upload_id)
    calls = [
        disk.store.complete_upload(KEY, upload_id, parts),
        disk.store.abort_upload(KEY, upload_id),
    ]
    outcomes = await asyncio.gather(
        *(calls if attempt % 2 else reversed(calls)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, StoreUploadGoneError) for outcome in refused)
    found = await disk.store.head_object(KEY)
    assert (found is None) == bool(refused)
    if found is not None:
        assert (found.upload_id, found.nonce) == (new.upload_id, new.nonce)
    assert disk.leftovers() == []


async def test_many_uploads_of_one_user_start_and_end_at_once(disk: DiskStore) -> None:
    async def upload(number: int) -> None:
        key = f"user/{number % 3}/{number}"
        upload_id, _ = await disk.open_upload(b"whole", key=key)
        if number % 2:
            await disk.store.abort_upload(key, upload_id)
        else:
            parts = await disk.store.list_parts(key, upload_id)
            await disk.store.complete_upload(key, upload_id, parts)

    await asyncio.gather(*(upload(number) for number in range(40)))
    objects = [path for path in (disk.root / "user").glob("*/*") if path.is_file()]
    assert len(objects) == 20
    assert disk.leftovers() == []


async def test_another_process_sees_the_same_uploads_and_objects(
    disk: DiskStore, tmp_path: Path
) -> None:
    async with open_disk(tmp_path / "store") as other:
        upload_id, new = await disk.open_upload(b"whole")
        assert [part.size for part in await other.store.list_parts(KEY, upload_id)] == [5]
        parts = await other.store.list_parts(KEY, upload_id)
        await other.store.complete_upload(KEY, upload_id, parts)
        found = await disk.store.head_object(KEY)
        assert found is not None
        assert found.upload_id == new.upload_id


@pytest.mark.parametrize(
    "key",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "a//b",
        "a/.",
        "a/",
        ".multipart/uploads/x",
        ".MULTIPART/objects/x",
        f"a/{'x' * 256}",
        f"a/{'é' * 128}",
        "nul\0",
    ],
)
async def test_key_that_is_no_path_in_the_folder_is_refused(disk: DiskStore, key: str) -> None:
    with pytest.raises(StoreRefusedError):
        await disk.store.create_upload(new_object(key))
    with pytest.raises(StoreRefusedError):
        await disk.store.head_object(key)
    assert disk.leftovers() == []


async def test_link_to_the_outside_is_not_followed(disk: DiskStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (disk.root / "link").symlink_to(outside)
    (disk.root / "file").symlink_to(outside / "secret")
    upload_id, _ = await disk.open_upload(b"whole", key="link/film")
    parts = await disk.store.list_parts("link/film", upload_id)
    with pytest.raises(StoreRefusedError):
        await disk.store.complete_upload("link/film", upload_id, parts)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    answers = [
        await disk.http.get(await disk.store.sign_get(key, expires_in=HOUR))
        for key in ("link/secret", "file")
    ]
    assert [answer.status_code for answer in answers] == [400, 503]
    assert "secret" not in "".join(answer.text for answer in answers)


async def test_key_below_an_object_is_refused(disk: DiskStore) -> None:
    (disk.root / "a").write_text("an object")
    upload_id, _ = await disk.open_upload(b"whole", key="a/b")
    parts = await disk.store.list_parts("a/b", upload_id)
    with pytest.raises(StoreRefusedError):
        await disk.store.complete_upload("a/b", upload_id, parts)
    assert await disk.store.list_parts("a/b", upload_id) == parts


async def test_folder_that_disappears_makes_the_store_unavailable(disk: DiskStore) -> None:
    await disk.store.check()
    shutil.rmtree(disk.root)
    with pytest.raises(StoreUnavailableError) as away:
        await disk.store.check()
    assert "No such file" in away.value.cause
    with pytest.raises(StoreUnavailableError):
        await disk.store.create_upload(new_object())


async def test_full_disk_makes_the_store_unavailable(
    disk: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, _ = await disk.open_upload()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert (await disk.put(upload_id, 1, b"hello")).status_code == 503
    monkeypatch.undo()
    assert await disk.store.list_parts(KEY, upload_id) == []


async def test_file_that_another_program_wrote_is_no_object_of_ours(disk: DiskStore) -> None:
    (disk.root / "a").mkdir()
    (disk.root / "a/film").write_bytes(b"hello")
    found = await disk.store.head_object("a/film")
    assert found is not None
    assert (found.size, found.upload_id, found.nonce) == (5, None, None)
