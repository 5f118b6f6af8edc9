"""Verify receipts of completed uploads, without asking the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .errors import ReceiptError

_TYPE: Final = "upload-receipt+jwt"


def verify_receipt(
    receipt: str, jwks: Mapping[str, Any], *, issuer: str = "multipart-upload"
) -> Mapping[str, Any]:
    """Return what a receipt states, once its signature is verified.

    `jwks` is the JSON of the service's `/.well-known/jwks.json`, `issuer` its RECEIPT_ISSUER.
    Raise ReceiptError if the service has not signed it, and ImportError without the extra
    `receipts`.
    """
    # Of an extra, which only callers of this function need.
    import jwt  # noqa: PLC0415

    try:
        header = jwt.get_unverified_header(receipt)
        keys = jwt.PyJWKSet.from_dict(dict(jwks))
        key = next((key for key in keys.keys if key.key_id == header.get("kid")), None)
        if key is None or header.get("typ") != _TYPE:
            msg = "The receipt is of another type, or of a key that is not in the key set."
            raise ReceiptError(msg)
        claims: Mapping[str, Any] = jwt.decode(
            receipt,
            key,
            algorithms=["EdDSA"],
            issuer=issuer,
            options={"require": ["iss", "sub", "upload_id", "completed_at"]},
        )
    except jwt.PyJWTError as exc:
        msg = f"The receipt is not valid: {exc}"
        raise ReceiptError(msg) from exc
    return claims
