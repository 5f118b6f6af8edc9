"""Signing a part."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.application.ports import SignedPart
from multipart_upload.domain.errors import (
    InvalidFieldError,
    TransitionError,
)
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.domain.session import SessionState, UploadSession

from .proxies import StoreProxy
from .service import MIB, PART_SIZE, Service, reference_to

GIB = 1024 * MIB


class Asked(StoreProxy):
    """Keeps what it was asked to sign."""

    calls: tuple[tuple[str, str, int, timedelta, int | None], ...] = ()

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
        checksum: str | None = None,
    ) -> SignedPart:
        call = (key, store_upload_id, part_number, expires_in, content_length)
        self.calls = (*self.calls, call)
        return await super().sign_part(
            key,
            store_upload_id,
            part_number,
            expires_in=expires_in,
            content_length=content_length,
            checksum=checksum,
        )


async def in_state(service: Service, state: SessionState) -> UploadSession:
    session = await service.start_session()
    return await service.sessions.save(replace(session, state=state))


@pytest.mark.parametrize(
    ("size", "content_length", "signed_length"),
    [(17 * MIB, None, MIB), (17 * MIB, MIB, MIB), (None, None, None), (None, 5, 5)],
)
async def test_the_store_signs_the_planned_or_the_declared_length(
    service: Service, size: int | None, content_length: int | None, signed_length: int | None
) -> None:
    session = await service.start_session(size=size)
    store = Asked(service.store)
    asking = replace(service, store=store, policy=UploadPolicy(url_lifetime=timedelta(minutes=9)))
    signed = await asking.sign(reference_to(session), 3, content_length)
    assert session.store_upload_id is not None
    life = timedelta(minutes=9)
    assert store.calls == ((session.key, session.store_upload_id, 3, life, signed_length),)
    assert signed.url


async def test_signing_changes_nothing(service: Service) -> None:
    session = await service.start_session()
    await service.sign(reference_to(session), 1)
    assert await service.reload(session) == session


async def test_a_part_that_is_already_there_can_be_signed_again(service: Service) -> None:
    session = await service.upload_whole()
    assert (await service.sign(reference_to(session), 1)).url


@pytest.mark.parametrize(
    ("size", "number", "last"),
    [(None, 0, 10_000), (None, 10_001, 10_000), (17 * MIB, 4, 3), (17 * MIB, -1, 3), (0, 2, 1)],
)
async def test_a_number_that_is_no_part_is_refused_naming_the_last(
    service: Service, size: int | None, number: int, last: int
) -> None:
    session = await service.start_session(size)
    with pytest.raises(InvalidFieldError) as refusal:
        await service.sign(reference_to(session), number)
    expected = {"field": "part_number", "message": f"must be 1 to {last}"}
    assert refusal.value.extensions == {"errors": [expected]}


@pytest.mark.parametrize(("number", "length", "planned"), [(1, 1, PART_SIZE), (3, -1, MIB)])
async def test_a_length_other_than_planned_is_refused_naming_the_plans(
    service: Service, number: int, length: int, planned: int
) -> None:
    session = await service.start_session(17 * MIB)
    with pytest.raises(InvalidFieldError) as refusal:
        await service.sign(reference_to(session), number, length)
    message = f"part {number} of this upload has {planned} bytes"
    assert refusal.value.extensions == {"errors": [{"field": "content_length", "message": message}]}


@pytest.mark.parametrize("length", [-1, 5 * GIB + 1])
async def test_without_a_plan_a_length_over_what_s3_takes_is_refused(
    service: Service, length: int
) -> None:
    session = await service.start_session()
    with pytest.raises(InvalidFieldError, match=f"content_length: must be 0 to {5 * GIB} bytes"):
        await service.sign(reference_to(session), 1, length)


@pytest.mark.parametrize(("number", "length"), [(1, 0), (10_000, 5 * GIB), (7, None)])
async def test_without_a_plan_whatever_s3_takes_is_signed(
    service: Service, number: int, length: int | None
) -> None:
    session = await service.start_session()
    assert (await service.sign(reference_to(session), number, length)).url


@pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
async def test_only_a_part_of_an_open_upload_is_signed(
    service: Service, state: SessionState
) -> None:
    session = await in_state(service, state)
    with pytest.raises(TransitionError) as refusal:
        await service.sign(reference_to(session), 1)
    assert refusal.value.extensions["status"] == state
