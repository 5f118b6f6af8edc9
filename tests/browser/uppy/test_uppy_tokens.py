"""Uppy, which sends no headers, is authenticated by an upload token in the path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, run_command, running_service
from tests.e2e.upload import MIB

from .uppy_page import OpenUppy, holds, only

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SIZE: Final = 11 * MIB


@pytest.fixture(scope="module")
def guarded_settings(settings: dict[str, str]) -> dict[str, str]:
    return {**settings, "AUTH": "token", "UPLOAD_TOKEN_SECRET": "0123456789abcdef0123456789abcdef"}


@pytest.fixture(scope="module")
def guarded(
    guarded_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide a service that accepts upload tokens only."""
    with running_service(tmp_path_factory.mktemp("guarded"), guarded_settings) as service:
        yield service


@pytest.fixture
def token_path(guarded_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a token for videos of one user."""
    limits = ["--content-type", "video/*", "--key-prefix", "films/"]
    folder = tmp_path_factory.mktemp("token")
    made = run_command(folder, guarded_settings, "tokens", "create", "--user", "ada", *limits)
    assert made.returncode == 0, made.stderr
    return f"/t/{made.stdout.strip()}"


@pytest.mark.parametrize("query", [{"multipart": "1"}, {}], ids=["multipart", "single"])
async def test_file_is_uploaded_with_the_token(
    open_uppy: OpenUppy,
    guarded: Service,
    token_path: str,
    bucket: Bucket,
    query: dict[str, str],
) -> None:
    uppy = await open_uppy(guarded, path=token_path, **query)
    await uppy.add("film.mp4", SIZE)

    key = only(await uppy.upload())

    assert key.startswith("films/ada/")
    assert holds(bucket, key, SIZE)


async def test_type_that_the_token_does_not_allow_is_refused(
    open_uppy: OpenUppy, guarded: Service, token_path: str
) -> None:
    uppy = await open_uppy(guarded, path=token_path, multipart="1")
    await uppy.add("page.html", 10, type_="text/html")

    result = await uppy.upload()

    assert result["successful"] == []
    assert uppy.sent("PUT") == []


async def test_without_a_token_nothing_is_uploaded(open_uppy: OpenUppy, guarded: Service) -> None:
    uppy = await open_uppy(guarded, multipart="1")
    await uppy.add("film.mp4", 10)

    result = await uppy.upload()

    assert result["successful"] == []
    assert uppy.sent("PUT") == []
