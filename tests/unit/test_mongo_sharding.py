"""The commands that shard a cluster fit the collections and their indexes."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

from multipart_upload.adapters.mongo.documents import PartDocument, SessionDocument
from multipart_upload.adapters.mongo.part_bitmap import (
    bitmap_filter,
    copy_state,
    open_bitmap_filter,
)
from multipart_upload.adapters.mongo.part_ids import all_filter, document_filter, parts_filter
from multipart_upload.testing.contract.sample_sessions import sample_session

COMMAND = re.compile(
    r'^sh\.shardCollection\(`\$\{db\.getName\(\)\}\.(\w+)`, \{ (\w+): "hashed" \}\);$', re.MULTILINE
)


def shard_keys() -> dict[str, str]:
    script = files("multipart_upload.adapters.mongo").joinpath("sharding.js").read_text()
    return dict(COMMAND.findall(script))


def test_both_collections_are_sharded_by_the_hashed_upload_id() -> None:
    assert shard_keys() == {"upload_sessions": "_id", "upload_parts": "session_id"}


def test_every_filter_of_parts_has_the_shard_key() -> None:
    # One shard alone keeps `_id` unique, so all documents of a session must be on one.
    session = replace(sample_session(), store_upload_id="2~abc")
    filters = [
        document_filter("upload-1", 7),
        parts_filter("upload-1"),
        all_filter("upload-1"),
        bitmap_filter("upload-1"),
        open_bitmap_filter(session),
        copy_state(session)[0],
    ]
    assert {found["session_id"] for found in filters} == {"upload-1"}
    assert document_filter("upload-1", 7)["_id"] == "upload-1/00007"


@pytest.mark.parametrize("document", [SessionDocument, PartDocument])
def test_no_index_but_that_of_the_id_is_unique(
    document: type[SessionDocument | PartDocument],
) -> None:
    # MongoDB refuses one on a sharded collection unless it begins with the shard key.
    indexes = getattr(document.Settings, "indexes", ())
    assert not any(index.document.get("unique") for index in indexes)
