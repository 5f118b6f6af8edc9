"""Where the service under test stores bytes, read without the service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from multipart_upload.adapters.disk.layout import Layout
from multipart_upload.adapters.disk.parts import list_stored_parts
from multipart_upload.domain.part import bare_etag
from multipart_upload.domain.validation import UPLOAD_ID_METADATA_KEY
from tests.e2e.bucket import Bucket
from tests.e2e.disk import Disk

from .history import digest


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object as a client downloads it; `upload_id` comes from its metadata."""

    sha256: str
    etag: str
    upload_id: str | None


@dataclass(frozen=True, slots=True)
class FoundUpload:
    """An upload open in the store, with the ETags of its parts by number."""

    key: str
    store_upload_id: str
    parts: Mapping[int, str]


class Storage(Protocol):
    """What is stored, and the settings of a service that stores it there."""

    @property
    def settings(self) -> Mapping[str, str]: ...

    @property
    def port(self) -> int | None:
        """The port that the service must have; None for any."""
        ...

    def read_uploads(self) -> Iterator[FoundUpload]: ...

    def read_objects(self) -> Iterator[tuple[str, FoundObject]]: ...

    def delete_objects(self) -> None:
        """Free the disk."""
        ...


@dataclass(frozen=True, slots=True)
class BucketStorage:
    """A bucket on an S3 server."""

    bucket: Bucket
    port: int | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        return self.bucket.settings

    def read_uploads(self) -> Iterator[FoundUpload]:
        name, client = self.bucket.name, self.bucket.client
        pages = client.get_paginator("list_parts")
        listed = client.list_multipart_uploads(Bucket=name)
        if listed["IsTruncated"]:
            msg = "more uploads are open than one page lists"
            raise RuntimeError(msg)
        for found in listed.get("Uploads", []):
            named = {"Key": found["Key"], "UploadId": found["UploadId"]}
            parts: dict[int, str] = {
                part["PartNumber"]: bare_etag(part["ETag"])
                for page in pages.paginate(Bucket=name, **named)
                for part in page.get("Parts", [])
            }
            yield FoundUpload(found["Key"], found["UploadId"], parts)

    def read_objects(self) -> Iterator[tuple[str, FoundObject]]:
        for key in self._keys():
            found: dict[str, Any] = self.bucket.client.get_object(Bucket=self.bucket.name, Key=key)
            sha256 = digest(found["Body"].iter_chunks(1024 * 1024))
            upload_id = found["Metadata"].get(UPLOAD_ID_METADATA_KEY)
            yield key, FoundObject(sha256, bare_etag(found["ETag"]), upload_id)

    def delete_objects(self) -> None:
        for key in list(self._keys()):
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=key)

    def _keys(self) -> Iterator[str]:
        pages = self.bucket.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket.name):
            yield from (str(found["Key"]) for found in page.get("Contents", []))


@dataclass(frozen=True, slots=True)
class DiskStorage:
    """A folder."""

    disk: Disk

    @property
    def settings(self) -> Mapping[str, str]:
        return self.disk.settings

    @property
    def port(self) -> int | None:
        return self.disk.port

    def read_uploads(self) -> Iterator[FoundUpload]:
        for described in Layout(self.disk.root).uploads.glob("*/*/upload.json"):
            folder = described.parent
            parts = {part.number: part.etag for part in list_stored_parts(folder)}
            yield FoundUpload(json.loads(described.read_text())["key"], folder.name, parts)

    def read_objects(self) -> Iterator[tuple[str, FoundObject]]:
        layout = Layout(self.disk.root)
        for path in self.disk.root.glob("**/*"):
            key = str(path.relative_to(self.disk.root))
            if path.is_dir() or key.startswith(".multipart/"):
                continue
            described = json.loads(layout.description(key).read_text())
            with path.open("rb") as file:
                sha256 = digest(iter(lambda: file.read(1024 * 1024), b""))  # read at once
            yield key, FoundObject(sha256, described["etag"], described["upload_id"])

    def delete_objects(self) -> None:
        """Leave them to pytest, which removes the folder."""
