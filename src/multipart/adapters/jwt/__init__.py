"""Bearer tokens: those of identity providers, and upload tokens (PyJWT)."""

from .identity_tokens import JwtConfig, identity_verifier
from .key_set import KeySet, open_key_set
from .secret_keys import SecretKeys
from .upload_tokens import HmacSigner, upload_token_verifier
from .verifier import ASYMMETRIC, SYMMETRIC, JwtVerifier

__all__ = [
    "ASYMMETRIC",
    "SYMMETRIC",
    "HmacSigner",
    "JwtConfig",
    "JwtVerifier",
    "KeySet",
    "SecretKeys",
    "identity_verifier",
    "open_key_set",
    "upload_token_verifier",
]
