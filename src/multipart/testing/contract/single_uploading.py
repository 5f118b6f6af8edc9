"""Promises about single uploads: sign a form, post the file with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import ObjectStore
from .sample_uploads import HOUR, KEY, Post, new_object

SLACK = timedelta(minutes=1)
"""Largest difference between the clocks, plus rounding to whole seconds."""

LIMIT = 1024


class SingleUploadingContract:
    """A file posted with a signed form becomes an object at once."""

    @pytest.mark.parametrize("body", [b"hello", b"", b"x" * LIMIT], ids=["some", "empty", "full"])
    async def test_file_posted_with_its_form_becomes_an_object(
        self, store: ObjectStore, post: Post, body: bytes
    ) -> None:
        new = new_object()
        signed = await store.sign_post(new, max_size=LIMIT, expires_in=HOUR)
        assert await post(signed, body)
        head = await store.head_object(new.key)
        assert head is not None
        assert head.size == len(body)
        assert (head.upload_id, head.nonce) == (new.upload_id, new.nonce)

    async def test_form_contains_the_object_key(self, store: ObjectStore) -> None:
        signed = await store.sign_post(new_object(KEY), max_size=LIMIT, expires_in=HOUR)
        assert signed.fields["key"] == KEY
        assert signed.url.endswith("/")

    async def test_form_accepts_non_ascii_names_and_metadata(
        self, store: ObjectStore, post: Post
    ) -> None:
        new = new_object("a/Zoë/наш отпуск.mp4", 'наш "отпуск".mp4', title="Zoë fährt")
        signed = await store.sign_post(new, max_size=LIMIT, expires_in=HOUR)
        assert await post(signed, b"hello")
        assert await store.head_object(new.key) is not None

    async def test_signing_a_form_creates_nothing(self, store: ObjectStore) -> None:
        await store.sign_post(new_object(), max_size=LIMIT, expires_in=HOUR)
        assert await store.head_object(KEY) is None
        assert await store.list_uploads(KEY) == []

    @pytest.mark.parametrize(
        ("requested", "granted"),
        [
            (timedelta(minutes=5), timedelta(minutes=5)),
            (timedelta(days=30), timedelta(days=7)),
        ],
    )
    async def test_form_reports_its_expiry_of_at_most_7_days(
        self, store: ObjectStore, requested: timedelta, granted: timedelta
    ) -> None:
        before = datetime.now(UTC)
        signed = await store.sign_post(new_object(), max_size=LIMIT, expires_in=requested)
        assert signed.expires_at.utcoffset() == timedelta(0)
        assert before + granted - SLACK < signed.expires_at <= datetime.now(UTC) + granted
