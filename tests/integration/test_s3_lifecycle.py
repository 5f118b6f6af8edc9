"""The bucket's lifecycle rules that abort open uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.adapters.s3.client import create_session, open_client
from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.errors import StoreRefusedError, StoreUnavailableError, UploadError
from tests.servers.s3 import fresh_bucket
from tests.servers.s3_kinds import S3Server
from tests.servers.scripted_server import http_answer, s3_error

from .scripted_store import answering

pytestmark = pytest.mark.integration

Rule = Mapping[str, Any]


@pytest.fixture
def config(moto: S3Server) -> S3Config:
    """Provide a bucket on moto, the only test server with lifecycle rules."""
    return fresh_bucket(moto)


@pytest.fixture
async def store(config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(config) as store:
        yield store


def rule(days: int, prefix: str = "", *, status: str = "Enabled") -> Rule:
    return {
        "ID": f"{prefix}-{days}",
        "Status": status,
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }


OF_OBJECTS: Rule = {
    "ID": "objects",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "Expiration": {"Days": 1},
}


async def put_rules(config: S3Config, rules: Sequence[Any]) -> None:
    async with open_client(create_session(config), config) as client:
        await client.put_bucket_lifecycle_configuration(
            Bucket=config.bucket, LifecycleConfiguration={"Rules": list(rules)}
        )


async def test_a_bucket_without_rules_aborts_nothing(store: ObjectStore) -> None:
    assert await store.find_abort_age("in/") is None


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([rule(3)], 3),
        ([rule(3, "in/")], 3),
        ([rule(3, "i")], 3),
        ([rule(3, "in/ada")], None),
        ([rule(3, "out/")], None),
        ([rule(3, status="Disabled")], None),
        ([OF_OBJECTS], None),
        ([rule(9), rule(2, "in/"), rule(1, "out/")], 2),
    ],
    ids=str,
)
async def test_the_shortest_rule_that_covers_all_our_keys_counts(
    config: S3Config, store: ObjectStore, rules: list[Rule], days: int | None
) -> None:
    await put_rules(config, rules)
    expected = None if days is None else timedelta(days=days)
    assert await store.find_abort_age("in/") == expected


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        ("403 Forbidden", "AccessDenied", StoreRefusedError),
        # As versitygw answers.
        ("501 Not Implemented", "NotImplemented", StoreUnavailableError),
    ],
)
async def test_unreadable_rules_are_not_taken_for_no_rules(
    status: str, code: str, error: type[UploadError]
) -> None:
    async with answering(s3_error(status, code)) as (store, _):
        with pytest.raises(error):
            await store.find_abort_age("")


@pytest.mark.parametrize(
    "prefix",
    ["<Filter><And><Prefix>in/</Prefix></And></Filter>", "<Prefix>in/</Prefix>"],
    ids=["and", "old"],
)
async def test_a_prefix_is_read_from_older_and_combined_forms_of_rules(prefix: str) -> None:
    body = (
        "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status>"
        f"{prefix}<AbortIncompleteMultipartUpload><DaysAfterInitiation>4</DaysAfterInitiation>"
        "</AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"
    )
    async with answering(http_answer("200 OK", body)) as (store, _):
        assert await store.find_abort_age("in/ada/") == timedelta(days=4)
        assert await store.find_abort_age("out/") is None
