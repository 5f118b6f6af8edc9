"""Settings of receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class ReceiptSettings(BaseSettings):
    """Who signs receipts, with which keys."""

    receipt_key: SecretStr | None = Field(
        default=None,
        description="Private key that signs receipts: Ed25519, in PEM; `\\n` may stand for a line "
        "break. Default: a key that is created once and kept in the database.",
    )
    receipt_key_file: Path | None = Field(
        default=None,
        description="File with the key, instead of RECEIPT_KEY. Keys after the first one are "
        "earlier ones, private or public, whose receipts can still be verified.",
    )
    receipt_issuer: str = Field(
        default="multipart-upload",
        description="`iss` of receipts: a name or URL of this service.",
    )

    @model_validator(mode="after")
    def _require_one_key(self) -> Self:
        if self.receipt_key is not None and self.receipt_key_file is not None:
            msg = "RECEIPT_KEY_FILE: must not be set with RECEIPT_KEY"
            raise ValueError(msg)
        return self
