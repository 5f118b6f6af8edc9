"""Bearer tokens of identity providers, upload tokens, and receipts (PyJWT)."""

from .identity_tokens import JwtConfig, identity_verifier
from .key_set import KeySet, open_key_set
from .receipts import Ed25519ReceiptSigner, ReceiptKeyError, ReceiptKeys, create_receipt_key
from .secret_keys import SecretKeys
from .upload_tokens import HmacSigner, upload_token_verifier
from .verifier import ASYMMETRIC, SYMMETRIC, JwtVerifier

__all__ = [
    "ASYMMETRIC",
    "SYMMETRIC",
    "Ed25519ReceiptSigner",
    "HmacSigner",
    "JwtConfig",
    "JwtVerifier",
    "KeySet",
    "ReceiptKeyError",
    "ReceiptKeys",
    "SecretKeys",
    "create_receipt_key",
    "identity_verifier",
    "open_key_set",
    "upload_token_verifier",
]
