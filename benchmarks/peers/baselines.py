"""Baselines: a Litestar handler that does nothing, and a bare ASGI application.

The bare application records a part by one read and one upsert with the raw driver; it neither
validates nor counts.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Litestar, get
from pymongo import AsyncMongoClient

Message = MutableMapping[str, Any]
JSON = [(b"content-type", b"application/json")]


@get("/health/ready")
async def ready() -> dict[str, str]:
    """Respond that the application is ready."""
    return {"status": "ok"}


@get("/api/get-signed-url")
async def nothing() -> dict[str, str]:
    """Respond without reading parameters, the database or a signature."""
    return {"status": "ok"}


litestar_app = Litestar([ready, nothing], openapi_config=None, logging_config=None)


class Bare:
    """A bare ASGI application."""

    def __init__(self) -> None:
        self.client: Any = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Record a part, or respond 200."""
        if scope["type"] == "lifespan":
            return
        body = (await receive()).get("body", b"")
        if scope["path"] == "/api/upload-part":
            await self.record(msgspec.json.decode(body))
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        await send({"type": "http.response.body", "body": b'{"status":"ok"}'})

    async def record(self, part: dict[str, Any]) -> None:
        """Read the session and upsert the part."""
        if self.client is None:
            self.client = AsyncMongoClient(os.environ["MONGO_URI"], w="majority", journal=True)
        database = self.client.get_default_database("bare")
        await database["sessions"].find_one({"_id": part["upload_id"]})
        await database["parts"].update_one(
            {"_id": f"{part['upload_id']}/{part['part_number']}"},
            {"$set": {"etag": part["etag"], "recorded_at": datetime.now(UTC)}},
            upsert=True,
        )


bare_app = Bare()
