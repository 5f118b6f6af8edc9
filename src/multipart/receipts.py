"""Open what signs receipts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .application.ports import ReceiptKeyRepository, ReceiptSigner
from .session_database import choose_database
from .settings import Settings
from .stores import choose_store

if TYPE_CHECKING:
    from .adapters.jwt import ReceiptKeys


def check_receipt_keys(settings: Settings) -> None:
    """Raise ValueError, naming the setting, if its key cannot be used."""
    _read_keys(settings)


@asynccontextmanager
async def open_receipt_keys(settings: Settings) -> AsyncIterator[ReceiptKeyRepository | None]:
    """Open the key in the session database; None if it stores none, or is none of ours."""
    try:
        open_them = choose_database(settings).open_receipt_keys
    except ValueError:
        # No database is chosen where an adapter overrides the port.
        open_them = None
    if open_them is None:
        yield None
        return
    async with open_them() as keys:
        yield keys


async def open_receipt_signer(
    settings: Settings, stored: ReceiptKeyRepository | None
) -> ReceiptSigner | None:
    """Return what signs with the key of the settings, or with the stored one, created if need be.

    None without either. A stored key that has signed earlier stays published.
    """
    from .adapters.jwt import Ed25519ReceiptSigner, ReceiptKeys, create_receipt_key

    given = _read_keys(settings)
    if stored is None:
        kept = None
    else:
        kept = await stored.find_key()
        if kept is None and given is None:
            kept = await stored.add_key(create_receipt_key())
    keys = [*([given] if given else []), *([ReceiptKeys.read(kept.pem)] if kept else [])]
    if not keys:
        return None
    bucket = choose_store(settings).bucket
    return Ed25519ReceiptSigner(keys[0], settings.receipt_issuer, bucket, keys[1:])


def _read_keys(settings: Settings) -> ReceiptKeys | None:
    """Read the keys that the settings give. Raise ValueError, naming the setting."""
    if settings.receipt_key is not None:
        name, text = "RECEIPT_KEY", settings.receipt_key.get_secret_value().replace("\\n", "\n")
    elif settings.receipt_key_file is not None:
        name = "RECEIPT_KEY_FILE"
        try:
            text = settings.receipt_key_file.read_text(encoding="ascii", errors="replace")
        except OSError as exc:
            msg = f"{name}: {exc}"
            raise ValueError(msg) from exc
    else:
        return None
    from .adapters.jwt import ReceiptKeyError, ReceiptKeys

    try:
        return ReceiptKeys.read(text)
    except ReceiptKeyError as exc:
        msg = f"{name}: {exc}"
        raise ValueError(msg) from None
