"""The object store on S3 and on servers that speak its protocol."""

from .bucket import ensure_bucket
from .client import S3Config
from .object_store import S3ObjectStore, open_s3_store

__all__ = ["S3Config", "S3ObjectStore", "ensure_bucket", "open_s3_store"]
