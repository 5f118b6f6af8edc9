"""Promises about files that are sent in one request: sign a form, post it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import ObjectStore
from .sample_uploads import HOUR, KEY, Post, new_object

SLACK = timedelta(minutes=1)
"""How far a store's clock and ours may be apart, and the whole seconds that a form tells."""

LIMIT = 1024


class SingleUploadingContract:
    """A file goes in on a signed form and is there at once, as it was signed."""

    @pytest.mark.parametrize("body", [b"hello", b"", b"x" * LIMIT], ids=["some", "empty", "full"])
    async def test_a_file_posted_on_its_form_is_an_object(
        self, store: ObjectStore, post: Post, body: bytes
    ) -> None:
        new = new_object()
        signed = await store.sign_post(new, max_size=LIMIT, expires_in=HOUR)
        assert await post(signed, body)
        head = await store.head_object(new.key)
        assert head is not None
        assert head.size == len(body)
        assert (head.upload_id, head.nonce) == (new.upload_id, new.nonce)

    async def test_a_form_names_the_objects_key(self, store: ObjectStore) -> None:
        signed = await store.sign_post(new_object(KEY), max_size=LIMIT, expires_in=HOUR)
        assert signed.fields["key"] == KEY
        assert signed.url.endswith("/")

    async def test_a_file_with_a_name_and_metadata_in_any_script_is_taken(
        self, store: ObjectStore, post: Post
    ) -> None:
        new = new_object("a/Zoë/наш отпуск.mp4", 'наш "отпуск".mp4', title="Zoë fährt")
        signed = await store.sign_post(new, max_size=LIMIT, expires_in=HOUR)
        assert await post(signed, b"hello")
        assert await store.head_object(new.key) is not None

    async def test_a_form_is_no_object_yet(self, store: ObjectStore) -> None:
        await store.sign_post(new_object(), max_size=LIMIT, expires_in=HOUR)
        assert await store.head_object(KEY) is None
        assert await store.list_uploads(KEY) == []

    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            (timedelta(minutes=5), timedelta(minutes=5)),
            (timedelta(days=30), timedelta(days=7)),
        ],
    )
    async def test_a_form_tells_the_end_of_its_life_which_is_7_days_at_most(
        self, store: ObjectStore, asked: timedelta, given: timedelta
    ) -> None:
        before = datetime.now(UTC)
        signed = await store.sign_post(new_object(), max_size=LIMIT, expires_in=asked)
        assert signed.expires_at.utcoffset() == timedelta(0)
        assert before + given - SLACK < signed.expires_at <= datetime.now(UTC) + given
