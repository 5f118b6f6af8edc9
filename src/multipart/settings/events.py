"""Settings of webhooks."""

from __future__ import annotations

import binascii
from base64 import b64decode
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from ..domain.session_event import EventType
from ..domain.webhook import Webhook
from .values import is_loopback

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)  # as the Standard Webhooks specification has it


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook in WEBHOOKS_FILE."""

    url: str
    secret: str
    previous_secret: str | None = None
    types: frozenset[EventType] = frozenset(EventType)


def _check_url(text: str) -> str:
    url = urlsplit(text)
    is_local = url.scheme == "http" and is_loopback(url.hostname or "")
    if not url.hostname or not (url.scheme == "https" or is_local):
        msg = "must be a URL with https"
        raise ValueError(msg)
    return text


def _check_secret(text: str) -> str:
    try:
        is_valid = text.startswith(_PREFIX) and (
            len(b64decode(text.removeprefix(_PREFIX), validate=True)) in _SECRET_BYTES
        )
    except binascii.Error:
        is_valid = False
    if not is_valid:
        msg = (
            f"must be {_PREFIX} and 24 to 64 bytes in base64, such as "
            f"`echo {_PREFIX}$(openssl rand -base64 32)` prints"
        )
        raise ValueError(msg)
    return text


def _check_hidden_secret(secret: SecretStr) -> SecretStr:
    _check_secret(secret.get_secret_value())
    return secret


_Secret = Annotated[SecretStr, AfterValidator(_check_hidden_secret)]


class EventSettings(BaseSettings):
    """Which webhooks are told what happens."""

    webhook_url: Annotated[str, AfterValidator(_check_url)] | None = Field(
        default=None,
        description="URL that events are sent to, with https; http on loopback addresses.",
    )
    webhook_secret: _Secret | None = Field(
        default=None, description="Secret that signs the events of WEBHOOK_URL: whsec_..."
    )
    webhook_previous_secret: _Secret | None = Field(
        default=None,
        description="The secret before WEBHOOK_SECRET was changed, which signs as well.",
    )
    webhooks_file: Path | None = Field(
        default=None,
        description="File with more webhooks: a JSON list of objects with url, secret, and, if "
        'wanted, previous_secret and types, a list such as ["upload.completed"].',
    )

    @property
    def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks. Raise ValueError, naming the setting, for a wrong file."""
        found = [] if self.webhooks_file is None else _read_file(self.webhooks_file)
        if self.webhook_url is not None:
            secrets = (self.webhook_secret, self.webhook_previous_secret)
            given = tuple(secret.get_secret_value() for secret in secrets if secret is not None)
            found = [Webhook(url=self.webhook_url, secrets=given), *found]
        if len({webhook.url for webhook in found}) < len(found):
            msg = "WEBHOOKS_FILE: a URL appears twice"
            raise ValueError(msg)
        return tuple(found)

    @model_validator(mode="after")
    def _check_webhooks(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret is None):
            msg = "WEBHOOK_SECRET: is required with WEBHOOK_URL, and the reverse"
            raise ValueError(msg)
        _ = self.webhooks
        return self


def _read_file(path: Path) -> list[Webhook]:
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
        return [_to_webhook(entry) for entry in entries]
    except (OSError, ValueError) as exc:  # msgspec's errors are ValueErrors
        msg = f"WEBHOOKS_FILE: {exc}"
        raise ValueError(msg) from exc


def _to_webhook(entry: _Entry) -> Webhook:
    secrets = (
        [entry.secret] if entry.previous_secret is None else [entry.secret, entry.previous_secret]
    )
    return Webhook(
        url=_check_url(entry.url),
        secrets=tuple(map(_check_secret, secrets)),
        types=entry.types,
    )
