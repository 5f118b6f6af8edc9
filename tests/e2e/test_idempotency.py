"""Starting again with the same Idempotency-Key, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import uuid4

import httpx
import pytest

from .bucket import Bucket
from .upload import answer, problem, wrong_fields

pytestmark = pytest.mark.e2e

FILE: Final = {"filename": "film.bin", "content_type": "video/mp4", "size": 5}


def start(api: httpx.Client, key: str, **fields: object) -> httpx.Response:
    body = {"user_id": "ada", **FILE, **fields}
    return api.post("/api/start-upload", json=body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_give_the_same_bytes(each_api: httpx.Client, bucket: Bucket) -> None:
    key = str(uuid4())
    first, second = start(each_api, key), start(each_api, key)
    assert first.content == second.content
    assert len(bucket.open_uploads(answer(first)["key"])) == 1


def test_many_at_once_start_one_upload(each_api: httpx.Client, bucket: Bucket) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: start(each_api, key), range(10)))
    assert len({response.content for response in answers}) == 1
    assert len(bucket.open_uploads(answer(answers[0])["key"])) == 1


def test_the_same_key_with_another_body_is_refused(api: httpx.Client) -> None:
    key = str(uuid4())
    answer(start(api, key))
    refusal = problem(start(api, key, size=6), 422, "idempotency-key-reused")
    assert [error["field"] for error in refusal["errors"]] == ["Idempotency-Key"]


def test_the_same_key_of_another_user_is_another_upload(api: httpx.Client) -> None:
    key = str(uuid4())
    theirs = answer(start(api, key, user_id="bob"))
    assert theirs["upload_id"] != answer(start(api, key))["upload_id"]


@pytest.mark.parametrize("key", ["", "x" * 15, "x" * 256, "with a space in it"])
def test_a_key_that_anybody_might_guess_is_refused_by_name(api: httpx.Client, key: str) -> None:
    assert wrong_fields(start(api, key)) == ["Idempotency-Key"]
