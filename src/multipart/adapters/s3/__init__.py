"""The object store on S3 and what speaks its protocol."""

from .bucket import ensure_bucket
from .client import S3Config, open_s3_store
from .object_store import S3ObjectStore

__all__ = ["S3Config", "S3ObjectStore", "ensure_bucket", "open_s3_store"]
