"""Sign URLs with a shared access signature (SAS) of one blob."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

MAX_LIFETIME: Final = timedelta(days=7)


def block_id(store_upload_id: str, part_number: int) -> str:
    """Return the id of a part's block, of the same length for every part, as Azure requires."""
    return f"{store_upload_id}{part_number:05}"


def part_number_of(store_upload_id: str, found: str) -> int | None:
    """Return the part number of a block's id; None if the block is not one of this upload's."""
    digits = found.removeprefix(store_upload_id)
    is_own = found.startswith(store_upload_id) and re.fullmatch("[0-9]{5}", digits)
    return int(digits) if is_own else None


def limit_expiry(expires_in: timedelta) -> datetime:
    """Return when a URL expires; a signature has whole seconds."""
    return (datetime.now(UTC) + min(expires_in, MAX_LIFETIME)).replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs with the account's key; `public_url` is the account's URL for clients."""

    account: str
    key: str = field(repr=False)
    container: str
    public_url: str

    def location(self, name: str) -> str:
        """Return the URL of a blob."""
        return f"{self.public_url}/{self.container}/{quote(name, safe='/~')}"

    def sign_blocks(
        self, name: str, store_upload_id: str, expires_at: datetime
    ) -> Callable[[int], str]:
        """Return a function that gives the URL for the PUT of one block.

        A signature covers the blob, not the block id: one serves all parts of an upload.
        """
        url = f"{self.location(name)}?comp=block&{self._sign(name, expires_at)}&blockid="

        def sign(part_number: int) -> str:
            encoded = b64encode(block_id(store_upload_id, part_number).encode()).decode()
            return url + quote(encoded, safe="")

        return sign

    def sign_nothing(self, name: str, expires_at: datetime) -> str:
        """Return the URL for a PUT that changes nothing: it removes a blob's metadata."""
        return f"{self.location(name)}?comp=metadata&{self._sign(name, expires_at)}"

    def _sign(self, name: str, expires_at: datetime) -> str:
        return generate_blob_sas(
            self.account,
            self.container,
            name,
            account_key=self.key,
            permission=BlobSasPermissions(write=True),
            expiry=expires_at,
            protocol="https" if self.public_url.startswith("https:") else None,
        )
