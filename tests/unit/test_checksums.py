"""The checksum of a finished object is compared with the one that the client declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from multipart_upload.domain.checksum import CHECKSUM_HEADER, crc64nvme, encode_checksum
from multipart_upload.domain.errors import (
    ChecksumMismatchError,
    IdempotencyKeyReusedError,
    InvalidFieldError,
    StoreUnavailableError,
)
from multipart_upload.domain.part import StoredPart
from multipart_upload.domain.session import SessionState, StoredObject, UploadSession
from multipart_upload.testing.memory.object_store import CAPABILITIES, MemoryObjectStore

from .faults import StoreAnswersLost
from .service import BODY, Service, new_upload, reference_to

RIGHT: Final = encode_checksum(crc64nvme(BODY))
WRONG: Final = encode_checksum(crc64nvme(BODY[::-1]))


class StoreWithoutChecksums(MemoryObjectStore):
    """Computes no checksum, as MinIO."""

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        completed = await super().complete_upload(key, store_upload_id, parts)
        return replace(completed, checksum=None)


async def send(service: Service, checksum: str | None = None) -> UploadSession:
    session = await service.start(replace(new_upload(size=len(BODY)), checksum=checksum))
    await service.upload(session)
    return session


def test_checksum_is_written_as_s3_writes_it() -> None:
    # The check value of CRC-64/NVME: https://reveng.sourceforge.io/crc-catalogue/17plus.htm
    assert encode_checksum(crc64nvme(b"123456789")) == encode_checksum(0xAE8B14860A799888)
    assert RIGHT == "M3eFcAZSQlc="


@pytest.mark.parametrize(
    ("at_start", "at_completion"), [(RIGHT, None), (None, RIGHT), (RIGHT, RIGHT)]
)
async def test_object_with_the_declared_checksum_is_verified(
    service: Service, at_start: str | None, at_completion: str | None
) -> None:
    session = await send(service, at_start)
    completed = await service.complete(reference_to(session), checksum=at_completion)
    assert completed.is_checksum_verified
    assert completed.checksum == RIGHT
    assert completed.result is not None
    assert completed.result.checksum == RIGHT


async def test_checksum_is_recorded_although_none_was_declared(service: Service) -> None:
    session = await send(service)
    completed = await service.complete(reference_to(session))
    assert completed.result is not None
    assert completed.result.checksum == RIGHT
    assert not completed.is_checksum_verified


@pytest.mark.parametrize(("at_start", "at_completion"), [(WRONG, None), (None, WRONG)])
async def test_object_with_another_checksum_is_deleted(
    service: Service, at_start: str | None, at_completion: str | None
) -> None:
    session = await send(service, at_start)
    for _ in range(2):
        with pytest.raises(ChecksumMismatchError) as refused:
            await service.complete(reference_to(session), checksum=at_completion)
        assert refused.value.extensions == {
            "declared_checksum": WRONG,
            "object_checksum": RIGHT,
        }
    assert (await service.reload(session)).state is SessionState.ABORTED
    assert await service.bucket.head_object(session.key) is None


async def test_complete_may_not_declare_another_checksum_than_the_start(service: Service) -> None:
    session = await send(service, RIGHT)
    with pytest.raises(InvalidFieldError, match="checksum_crc64nvme: must be"):
        await service.complete(reference_to(session), checksum=WRONG)
    assert (await service.reload(session)).state is SessionState.IN_PROGRESS


async def test_repeated_complete_with_another_checksum_is_refused_and_keeps_the_object(
    service: Service,
) -> None:
    session = await send(service)
    await service.complete(reference_to(session))
    with pytest.raises(ChecksumMismatchError):
        await service.complete(reference_to(session), checksum=WRONG)
    assert (await service.complete(reference_to(session), checksum=RIGHT)).result is not None
    assert session.key in service.bucket.objects


@pytest.mark.parametrize("checksum", [RIGHT, WRONG])
async def test_sweep_compares_the_checksum_of_an_interrupted_complete(
    service: Service, checksum: str
) -> None:
    session = await send(service)
    broken = replace(service, store=StoreAnswersLost(service.store))
    with pytest.raises(StoreUnavailableError):
        await broken.complete(reference_to(session), checksum=checksum)
    service.clock.advance(hours=1)
    await service.sweep()
    ended = await service.reload(session)
    is_right = checksum == RIGHT
    assert ended.state is (SessionState.COMPLETED if is_right else SessionState.ABORTED)
    assert (session.key in service.bucket.objects) is is_right


async def test_object_of_a_store_without_checksums_is_not_verified(service: Service) -> None:
    bare = StoreWithoutChecksums(service.clock)
    without = replace(service, store=bare, bucket=bare)
    session = await send(without, RIGHT)
    completed = await without.complete(reference_to(session))
    assert completed.state is SessionState.COMPLETED
    assert not completed.is_checksum_verified


async def test_start_with_the_same_key_and_another_checksum_is_refused(service: Service) -> None:
    new = replace(new_upload(size=len(BODY)), checksum=RIGHT, idempotency_key="k" * 32)
    first = await service.start(new)
    assert (await service.start(new)).id == first.id
    with pytest.raises(IdempotencyKeyReusedError):
        await service.start(replace(new, checksum=WRONG))


async def test_part_is_signed_for_its_checksum(service: Service) -> None:
    session = await service.start_session(size=len(BODY))
    signed = await service.sign(reference_to(session), 1, checksum=RIGHT)
    assert signed.headers == {"Content-Length": str(len(BODY)), CHECKSUM_HEADER: RIGHT}
    with pytest.raises(PermissionError):
        await service.bucket.put(signed, BODY[::-1])
    assert await service.bucket.put(signed, BODY)


async def test_part_is_signed_without_checksum_where_the_store_checks_none(
    service: Service,
) -> None:
    service.bucket.capabilities = replace(CAPABILITIES, checks_parts=False)
    session = await service.start_session(size=len(BODY))
    signed = await service.sign(reference_to(session), 1, checksum=RIGHT)
    assert signed.headers == {"Content-Length": str(len(BODY))}
