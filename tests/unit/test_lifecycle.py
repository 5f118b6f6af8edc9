"""The check of the bucket's lifecycle rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.application.check_lifecycle import CheckLifecycle
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.entrypoints.background_tasks import describe_lifecycle
from multipart_upload.testing.memory import MemoryObjectStore

from .proxies import StoreProxy
from .service import PART_SIZE, Service, SettableClock, reference_to

WEEK = UploadPolicy(expiry=timedelta(days=7))


@pytest.mark.parametrize(
    ("life", "words"),
    [
        (None, "no lifecycle rule with AbortIncompleteMultipartUpload"),
        (timedelta(days=1), "after 1 days, sooner than UPLOAD_EXPIRY_SECONDS"),
        (timedelta(days=6), "after 6 days"),
    ],
)
async def test_a_missing_or_too_short_rule_is_described(life: timedelta | None, words: str) -> None:
    problem = await CheckLifecycle(MemoryObjectStore(SettableClock(), life), WEEK)()
    assert problem is not None
    assert words in describe_lifecycle(problem)


@pytest.mark.parametrize("days", [7, 30])
async def test_a_rule_that_is_long_enough_is_no_problem(days: int) -> None:
    store = MemoryObjectStore(SettableClock(), timedelta(days=days))
    assert await CheckLifecycle(store, WEEK)() is None


async def test_a_store_that_does_not_support_the_question_is_no_problem() -> None:
    class WithoutRules(StoreProxy):
        async def find_abort_age(self, prefix: str) -> timedelta | None:
            del prefix
            raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        await CheckLifecycle(WithoutRules(MemoryObjectStore(SettableClock())), WEEK)()


@pytest.mark.parametrize("key_prefix", ["in/", "in/{shard}/"])
async def test_the_rule_for_all_our_keys_is_checked(key_prefix: str) -> None:
    asked: list[str] = []

    class Asked(StoreProxy):
        async def find_abort_age(self, prefix: str) -> timedelta | None:
            asked.append(prefix)
            return None

    policy = replace(WEEK, key_prefix=key_prefix)
    await CheckLifecycle(Asked(MemoryObjectStore(SettableClock())), policy)()
    assert asked == ["in/"]


async def test_a_session_says_when_the_bucket_will_abort_it(service: Service) -> None:
    bucket = MemoryObjectStore(service.clock, timedelta(days=3))
    ruled = replace(service, bucket=bucket, store=bucket)
    session = await ruled.start_session(size=PART_SIZE)
    assert session.abort_date == service.clock.now() + timedelta(days=3)
    assert (await ruled.status(reference_to(session))).session.abort_date == session.abort_date
