"""The keys of an identity provider are read from a URL or a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from multipart_upload.adapters.jwt import open_key_set
from multipart_upload.domain.errors import IdentityProviderUnavailableError
from tests.identities import SigningKey, key_set

pytestmark = pytest.mark.integration

KEY = SigningKey()


@asynccontextmanager
async def provider(answer: web.Response) -> AsyncIterator[str]:
    """Answer every request to /keys so; /other has the right keys."""

    async def keys(_: web.Request) -> web.Response:
        return answer

    async def other(_: web.Request) -> web.Response:
        return web.Response(body=key_set(KEY))

    app = web.Application()
    app.router.add_get("/keys", keys)
    app.router.add_get("/other", other)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys"))


async def test_keys_come_from_a_url() -> None:
    async with (
        provider(web.Response(body=key_set(KEY))) as url,
        open_key_set(url) as keys,
    ):
        (found,) = await keys.find(KEY.key_id)
    assert found.key_id == KEY.key_id


async def test_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set(KEY))

    async with open_key_set(str(file)) as keys:
        assert await keys.find(KEY.key_id)
        file.unlink()
        assert await keys.find(None)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, {}, key_set(KEY)),
        (302, {"Location": "/other"}, b""),
        (200, {}, key_set(KEY) + b" " * (1024 * 1024)),
    ],
    ids=["error", "redirect", "over 1 MiB"],
)
async def test_other_answers_are_no_keys(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = web.Response(status=status, headers=headers, body=body)
    async with provider(answer) as url, open_key_set(url) as keys:
        with pytest.raises(IdentityProviderUnavailableError):
            await keys.find(KEY.key_id)


async def test_provider_that_is_away_is_an_outage() -> None:
    async with provider(web.Response()) as url:
        pass
    async with open_key_set(url) as keys:
        with pytest.raises(IdentityProviderUnavailableError):
            await keys.find(KEY.key_id)
