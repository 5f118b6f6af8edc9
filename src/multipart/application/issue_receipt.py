"""Sign the receipt of a completed upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..domain.receipt import receipt_of
from ..domain.session import UploadSession
from .ports import ReceiptSigner


@dataclass(frozen=True, slots=True)
class IssueReceipt:
    """Sign receipts, and publish the keys that verify them. Without a signer there are none."""

    signer: ReceiptSigner | None

    def __call__(self, session: UploadSession) -> str | None:
        """Return the receipt; None unless the upload is completed."""
        receipt = receipt_of(session)
        if receipt is None or self.signer is None:
            return None
        return self.signer.sign(receipt)

    @property
    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """The public keys as JSON Web Keys: the one that signs, then earlier ones."""
        return () if self.signer is None else self.signer.public_keys
