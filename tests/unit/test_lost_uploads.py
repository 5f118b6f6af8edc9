"""Uploads that the store has thrown away by itself, and how they begin anew under their own id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import repeat

import pytest

from multipart_upload.application.ports import ForwardingRepository, NewObject, OpenedUpload
from multipart_upload.domain.errors import (
    StoreUnavailableError,
    StoreUploadGoneError,
    TransitionError,
)
from multipart_upload.domain.part import Part
from multipart_upload.domain.session import Lease, SessionState, UploadSession

from .faults import CountingStore, StoreAnswersLost, YieldingRepository, YieldingStore
from .proxies import StoreProxy
from .service import BODY, MIB, PART_SIZE, Service, SettableClock, address_of


async def test_the_status_says_so_and_there_are_no_parts(service: Service) -> None:
    session = await service.started(size=PART_SIZE + MIB)
    await service.upload(session, 1, bytes(PART_SIZE))
    await service.lose(session)
    for _ in range(2):
        status = await service.status(address_of(session))
        assert status.session.is_lost
        assert status.session == await service.now(session)
        assert (list(status.parts), status.missing_parts) == ([], [1, 2])


async def test_a_loss_is_no_activity(service: Service, clock: SettableClock) -> None:
    session = await service.uploaded()
    clock.advance(days=3)
    assert (await service.lost(session)).expires_at == session.expires_at


@pytest.mark.parametrize("parts", [0, 1])
async def test_the_next_sign_opens_another_upload_under_the_same_id(
    service: Service, parts: int
) -> None:
    session = await service.started(size=len(BODY))
    for number in range(1, parts + 1):
        await service.upload(session, number)
    await service.lost(session)
    address = address_of(session)
    signed = await service.sign(address, 1, len(BODY))
    reopened = await service.now(session)
    assert reopened.state is SessionState.INITIATED
    assert reopened.store_upload_id not in {None, session.store_upload_id}
    assert (await service.status(address)).parts == []
    await service.record(address, 1, await service.bucket.put(signed, BODY))
    done = await service.complete(address)
    assert (done.id, done.key, done.state) == (session.id, session.key, SessionState.COMPLETED)


async def test_what_was_reported_before_does_not_stand_in_the_way(service: Service) -> None:
    session = await service.uploaded()
    await service.lost(session)
    signed = await service.sign(address_of(session), 1)
    # Put with other bytes, and never reported.
    await service.bucket.put(signed, b"HELLO")
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_part_of_the_upload_that_was_lost_is_not_recorded(service: Service) -> None:
    session = await service.started()
    etag = await service.put(session)
    await service.lost(session)
    with pytest.raises(StoreUploadGoneError):
        await service.record(address_of(session), 1, etag)
    assert await service.sessions.count_parts(session.id) == 0


async def test_a_late_report_neither_moves_a_lost_upload_nor_is_acknowledged(
    service: Service,
) -> None:
    class LostMeanwhile(ForwardingRepository):
        async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
            recorded = await super().report_parts(session, parts)
            await service.lost(session)
            return recorded

    session = await service.started()
    etag = await service.put(session)
    late = replace(service, sessions=LostMeanwhile(service.sessions))
    with pytest.raises(StoreUploadGoneError):
        await late.record(address_of(session), 1, etag)
    assert (await service.now(session)).is_lost


async def test_of_50_signs_at_once_one_opens_the_upload(service: Service) -> None:
    session = await service.uploaded()
    await service.lost(session)
    counting = CountingStore(service.store)
    turns = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, turns),
        store=YieldingStore(counting, turns),
        policy=replace(service.policy, wait=service.policy.lease),
    )
    signed = await asyncio.gather(*(several.sign(address_of(session), 1) for _ in range(50)))
    assert len(counting.created) == 1
    for url in signed:
        await service.bucket.put(url, BODY)
    assert len(await service.bucket.list_uploads(session.key)) == 1


async def test_every_loss_opens_one_more(service: Service) -> None:
    session = await service.uploaded()
    used = {session.store_upload_id}
    for _ in range(3):
        await service.lost(await service.now(session))
        await service.sign(address_of(session), 1)
        used.add((await service.now(session)).store_upload_id)
    assert len(used) == 4


async def test_an_answer_lost_at_the_opening_is_made_good_by_the_next_sign(
    service: Service,
) -> None:
    session = await service.uploaded()
    await service.lost(session)
    losing = replace(service, store=StoreAnswersLost(service.store))
    with pytest.raises(StoreUnavailableError):
        await losing.sign(address_of(session), 1)
    await service.bucket.put(await service.sign(address_of(session), 1), BODY)
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_complete_that_finds_nothing_says_so_and_can_be_begun_again(
    service: Service,
) -> None:
    session = await service.uploaded()
    await service.lose(session)
    for _ in range(2):
        with pytest.raises(StoreUploadGoneError, match="Sign and send them again"):
            await service.complete(address_of(session))
        assert (await service.now(session)).is_lost
    await service.bucket.put(await service.sign(address_of(session), 1), BODY)
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_complete_before_any_report_notices_the_loss_too(service: Service) -> None:
    session = await service.started()
    await service.lose(session)
    with pytest.raises(StoreUploadGoneError):
        await service.complete(address_of(session))
    assert (await service.now(session)).is_lost


@pytest.mark.parametrize("end", ["complete", "abort"])
async def test_what_was_ended_is_never_opened_again(service: Service, end: str) -> None:
    session = await service.uploaded()
    ended = await getattr(service, end)(address_of(session))
    await service.status(address_of(session))
    counting = CountingStore(service.store)
    with pytest.raises(TransitionError):
        await replace(service, store=counting).sign(address_of(session), 1)
    assert counting.created == []
    assert await service.now(session) == ended


async def test_an_upload_completed_while_it_was_looked_at_is_not_lost(service: Service) -> None:
    class CompletedMeanwhile(ForwardingRepository):
        """Lets somebody complete the upload after its session was read."""

        async def list_parts(self, upload_id: str) -> list[Part]:
            await service.complete(address_of(session))
            return await super().list_parts(upload_id)

    session = await service.uploaded()
    watching = replace(service, sessions=CompletedMeanwhile(service.sessions))
    status = await watching.status(address_of(session))
    assert status.session.state is SessionState.COMPLETED
    assert (status.bytes_verified, status.missing_parts) == (len(BODY), None)


async def test_an_upload_that_only_its_row_does_not_know_to_be_completed_is_not_lost(
    service: Service,
) -> None:
    # Its process lost the lease while S3 was at work, and whoever took over gave the session back.
    session = await service.uploaded()
    upload = session.key, session.store_upload_id or ""
    await service.store.complete_upload(*upload, await service.store.list_parts(*upload))
    assert not (await service.status(address_of(session))).session.is_lost
    done = await service.complete(address_of(session))
    assert done.result == await service.bucket.head_object(session.key)


async def test_while_somebody_completes_it_nobody_else_says_that_it_is_lost(
    service: Service,
) -> None:
    session = await service.uploaded()
    lease = Lease("somebody", service.clock.now() + service.policy.lease)
    claimed = await service.sessions.save(session.completing(lease, service.clock.now()))
    await service.lose(session)
    assert (await service.status(address_of(session))).session == claimed


async def test_what_was_aborted_while_somebody_waited_for_it_is_not_signed(
    service: Service,
) -> None:
    session = await service.lost(await service.uploaded())

    class OpenedAndAbortedMeanwhile(ForwardingRepository):
        reads = 0

        async def get(self, upload_id: str) -> UploadSession:
            self.reads += 1
            if self.reads == 2:
                await service.sign(address_of(session), 1)
                await service.abort(address_of(session))
            return await super().get(upload_id)

    late = replace(service, sessions=OpenedAndAbortedMeanwhile(service.sessions))
    with pytest.raises(TransitionError, match="sign a part of an upload that is aborted"):
        await late.sign(address_of(session), 1)


async def test_an_opener_who_is_overtaken_by_an_abort_leaves_nothing(service: Service) -> None:
    session = await service.lost(await service.uploaded())

    class AbortedMeanwhile(StoreProxy):
        """Lets the client abort, once the opener's lease has run out, before S3 is reached."""

        async def create_upload(self, new: NewObject) -> OpenedUpload:
            service.clock.time += service.policy.lease
            await service.abort(address_of(session))
            return await super().create_upload(new)

    overtaken = replace(service, store=AbortedMeanwhile(service.store))
    with pytest.raises(TransitionError):
        await overtaken.sign(address_of(session), 1)
    assert (await service.now(session)).state is SessionState.ABORTED
    assert await service.bucket.list_uploads(session.key) == []
