"""Uppy 5 and 6 on the store in a folder, where the service itself takes the bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.disk import Disk
from tests.e2e.service import Service, running_service
from tests.e2e.upload import MIB, some_bytes
from tests.servers.mongodb_kinds import free_port

from .uppy_page import OpenUppy, only

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory, pages: str) -> Disk:
    return Disk(tmp_path_factory.mktemp("uppy-disk"), free_port(), pages)


@pytest.fixture(scope="module")
def on_disk(disk: Disk) -> Iterator[Service]:
    with running_service(disk.folder, disk.settings, port=disk.port) as service:
        yield service


@pytest.mark.parametrize(("size", "parts"), [(11 * MIB, [1, 2, 3]), (100_000, [])])
async def test_file_arrives_unchanged_in_the_folder(
    open_uppy: OpenUppy, on_disk: Service, disk: Disk, size: int, parts: list[int]
) -> None:
    uppy = await open_uppy(on_disk, **({"multipart": "1"} if parts else {}))
    await uppy.add("film.mp4", size)

    stored = disk.root / only(await uppy.upload())

    assert sorted(uppy.parts_put()) == parts
    assert stored.read_bytes() == some_bytes(size)
