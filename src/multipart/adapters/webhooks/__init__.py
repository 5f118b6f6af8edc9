"""Webhooks over HTTP, signed as the Standard Webhooks specification says."""

from .sender import open_webhook_sender

__all__ = ["open_webhook_sender"]
