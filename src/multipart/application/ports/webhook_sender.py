"""The port that calls webhooks."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from ...domain.upload_event import UploadEvent
from ...domain.webhook import Webhook


class Delivery(StrEnum):
    """How a webhook has answered."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """Another status than 2xx, or no answer in time."""
    GONE = "gone"
    """410: it wants no more events."""


class WebhookSender(Protocol):
    """Sends signed events."""

    async def send(self, webhook: Webhook, event: UploadEvent) -> Delivery:
        """Send an event once, within 10 seconds. Raise nothing: every failure is an answer."""
        ...
