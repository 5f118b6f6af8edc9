"""Send events over HTTP (https://github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import aiohttp
import msgspec
from standardwebhooks import Webhook as Signer

from ...application.ports import Delivery
from ...domain.upload_event import UploadEvent
from ...domain.webhook import Webhook

SECONDS: Final = 10.0
_GONE: Final = 410
_logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_webhook_sender(
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[HttpWebhookSender]:
    """Open the connections to webhooks."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield HttpWebhookSender(http, clock)


class HttpWebhookSender:
    """Posts events, follows no redirects, and reads no bodies."""

    def __init__(self, http: aiohttp.ClientSession, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._clock = clock

    async def send(self, webhook: Webhook, event: UploadEvent) -> Delivery:
        """Post an event once."""
        body = encode_event(event)
        headers = {
            "Content-Type": "application/json",
            **sign(webhook, event.id, self._clock(), body),
        }
        try:
            async with self._http.post(
                webhook.url, data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            _logger.warning("The webhook %s: %s", webhook.url, type(exc).__name__)
            return Delivery.FAILED
        if 200 <= status < 300:  # noqa: PLR2004
            return Delivery.DELIVERED
        _logger.warning("The webhook %s answered %d.", webhook.url, status)
        return Delivery.GONE if status == _GONE else Delivery.FAILED


def encode_event(event: UploadEvent) -> str:
    """Return the body of an event."""
    payload = {"type": event.type, "timestamp": event.timestamp, "data": event.data}
    return msgspec.json.encode(payload).decode()


def sign(webhook: Webhook, event_id: str, now: datetime, body: str) -> dict[str, str]:
    """Return the headers of an event, with a signature by each secret."""
    signatures = [Signer(secret).sign(event_id, now, body) for secret in webhook.secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
