"""A bucket, read directly from S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from botocore.config import Config
from botocore.session import get_session

from tests.servers.s3_kinds import S3Server


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object as a client downloads it."""

    body: bytes
    content_type: str
    disposition: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A new bucket on a server, and the settings of a service that uses it."""

    server: S3Server
    client: Any
    name: str = field(default_factory=lambda: f"e2e-{uuid4().hex}")

    @classmethod
    @contextmanager
    def made_on(cls, server: S3Server) -> Iterator[Self]:
        client: Any = get_session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=server.endpoint_url,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )
        bucket = cls(server, client)
        client.create_bucket(Bucket=bucket.name)
        yield bucket
        client.close()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "S3_BUCKET_NAME": self.name,
            "S3_ENDPOINT_URL": self.server.endpoint_url,
        }

    def download(self, key: str) -> StoredFile:
        found = self.client.get_object(Bucket=self.name, Key=key)
        return StoredFile(
            found["Body"].read(),
            found["ContentType"],
            found["ContentDisposition"],
            found["Metadata"],
        )

    def has(self, key: str) -> bool:
        return bool(self.client.list_objects_v2(Bucket=self.name, Prefix=key)["KeyCount"])

    def open_uploads(self, key: str) -> list[str]:
        """Return S3's ids of the open uploads of a key."""
        found = self.client.list_multipart_uploads(Bucket=self.name, Prefix=key)
        return [upload["UploadId"] for upload in found.get("Uploads", [])]
