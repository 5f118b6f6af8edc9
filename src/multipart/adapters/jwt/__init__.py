"""Bearer tokens of identity providers (PyJWT)."""

from .key_set import open_key_set
from .verifier import JwtConfig, JwtVerifier

__all__ = ["JwtConfig", "JwtVerifier", "open_key_set"]
