"""The commands that shard a cluster fit the collections and their indexes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from multipart_upload.adapters.mongo.documents import PartDocument, SessionDocument

COMMAND = re.compile(
    r'^sh\.shardCollection\(`\$\{db\.getName\(\)\}\.(\w+)`, \{ (\w+): "hashed" \}\);$', re.MULTILINE
)


def shard_keys() -> dict[str, str]:
    script = files("multipart_upload.adapters.mongo").joinpath("sharding.js").read_text()
    return dict(COMMAND.findall(script))


def test_both_collections_are_sharded_by_the_hashed_upload_id() -> None:
    assert shard_keys() == {"upload_sessions": "_id", "upload_parts": "session_id"}


@pytest.mark.parametrize("document", [SessionDocument, PartDocument])
def test_a_unique_index_begins_with_the_shard_key(
    document: type[SessionDocument | PartDocument],
) -> None:
    # MongoDB refuses any other on a sharded collection: no shard could keep it alone.
    settings = document.Settings
    unique = [index.document for index in settings.indexes if index.document.get("unique")]
    assert all(next(iter(index["key"])) == shard_keys()[settings.name] for index in unique)
