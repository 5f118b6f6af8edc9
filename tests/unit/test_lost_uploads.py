"""Uploads that the store has discarded, and how they are reopened under the same id."""

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
from .service import BODY, MIB, PART_SIZE, Service, SettableClock, reference_to


async def test_status_of_a_lost_upload_reports_the_loss_and_no_parts(service: Service) -> None:
    session = await service.start_session(size=PART_SIZE + MIB)
    await service.upload(session, 1, bytes(PART_SIZE))
    await service.lose(session)
    for _ in range(2):
        status = await service.status(reference_to(session))
        assert status.session.is_lost
        assert status.session == await service.reload(session)
        assert (list(status.parts), status.missing_parts) == ([], [1, 2])


async def test_loss_does_not_count_as_activity(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    clock.advance(days=3)
    assert (await service.lose_noticed(session)).expires_at == session.expires_at


@pytest.mark.parametrize("parts", [0, 1])
async def test_next_sign_opens_another_store_upload_for_the_same_session(
    service: Service, parts: int
) -> None:
    session = await service.start_session(size=len(BODY))
    for number in range(1, parts + 1):
        await service.upload(session, number)
    await service.lose_noticed(session)
    address = reference_to(session)
    signed = await service.sign(address, 1, len(BODY))
    reopened = await service.reload(session)
    assert reopened.state is SessionState.INITIATED
    assert reopened.store_upload_id not in {None, session.store_upload_id}
    assert (await service.status(address)).parts == []
    await service.record(address, 1, await service.bucket.put(signed, BODY))
    done = await service.complete(address)
    assert (done.id, done.key, done.state) == (session.id, session.key, SessionState.COMPLETED)


async def test_reports_for_the_lost_upload_do_not_block_completion(service: Service) -> None:
    session = await service.upload_whole()
    await service.lose_noticed(session)
    signed = await service.sign(reference_to(session), 1)
    # Other bytes than before, and not reported.
    await service.bucket.put(signed, b"HELLO")
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_report_for_a_lost_upload_is_refused(service: Service) -> None:
    session = await service.start_session()
    etag = await service.put(session)
    await service.lose_noticed(session)
    with pytest.raises(StoreUploadGoneError):
        await service.record(reference_to(session), 1, etag)
    assert len(await service.sessions.list_parts(session.id)) == 0


async def test_report_interleaved_by_a_loss_is_refused_and_changes_nothing(
    service: Service,
) -> None:
    class LosesUpload(ForwardingRepository):
        async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
            recorded = await super().report_parts(session, parts)
            await service.lose_noticed(session)
            return recorded

    session = await service.start_session()
    etag = await service.put(session)
    late = replace(service, sessions=LosesUpload(service.sessions))
    with pytest.raises(StoreUploadGoneError):
        await late.record(reference_to(session), 1, etag)
    assert (await service.reload(session)).is_lost


async def test_one_of_many_concurrent_signs_opens_the_upload(service: Service) -> None:
    session = await service.upload_whole()
    await service.lose_noticed(session)
    counting = CountingStore(service.store)
    schedule = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, schedule),
        store=YieldingStore(counting, schedule),
        policy=replace(service.policy, wait=service.policy.lease),
    )
    signed = await asyncio.gather(*(several.sign(reference_to(session), 1) for _ in range(50)))
    assert len(counting.created) == 1
    for url in signed:
        await service.bucket.put(url, BODY)
    assert len(await service.bucket.list_uploads(session.key)) == 1


async def test_every_loss_opens_one_more_store_upload(service: Service) -> None:
    session = await service.upload_whole()
    used = {session.store_upload_id}
    for _ in range(3):
        await service.lose_noticed(await service.reload(session))
        await service.sign(reference_to(session), 1)
        used.add((await service.reload(session)).store_upload_id)
    assert len(used) == 4


async def test_next_sign_recovers_from_an_answer_lost_while_opening(
    service: Service,
) -> None:
    session = await service.upload_whole()
    await service.lose_noticed(session)
    losing = replace(service, store=StoreAnswersLost(service.store))
    with pytest.raises(StoreUnavailableError):
        await losing.sign(reference_to(session), 1)
    await service.bucket.put(await service.sign(reference_to(session), 1), BODY)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_completing_a_lost_upload_raises_gone_and_parts_can_be_sent_again(
    service: Service,
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    for _ in range(2):
        with pytest.raises(StoreUploadGoneError, match="Sign and send them again"):
            await service.complete(reference_to(session))
        assert (await service.reload(session)).is_lost
    await service.bucket.put(await service.sign(reference_to(session), 1), BODY)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_complete_before_any_report_notices_the_loss(service: Service) -> None:
    session = await service.start_session()
    await service.lose(session)
    with pytest.raises(StoreUploadGoneError):
        await service.complete(reference_to(session))
    assert (await service.reload(session)).is_lost


@pytest.mark.parametrize("end", ["complete", "abort"])
async def test_ended_upload_is_never_reopened(service: Service, end: str) -> None:
    session = await service.upload_whole()
    ended = await getattr(service, end)(reference_to(session))
    await service.status(reference_to(session))
    counting = CountingStore(service.store)
    with pytest.raises(TransitionError):
        await replace(service, store=counting).sign(reference_to(session), 1)
    assert counting.created == []
    assert await service.reload(session) == ended


async def test_upload_completed_during_a_status_request_is_not_lost(service: Service) -> None:
    class CompletesUpload(ForwardingRepository):
        """Completes the upload after its session was read."""

        async def list_parts(self, upload_id: str) -> list[Part]:
            await service.complete(reference_to(session))
            return await super().list_parts(upload_id)

    session = await service.upload_whole()
    watching = replace(service, sessions=CompletesUpload(service.sessions))
    status = await watching.status(reference_to(session))
    assert status.session.state is SessionState.COMPLETED
    assert (status.bytes_verified, status.missing_parts) == (len(BODY), None)


async def test_upload_completed_in_the_store_only_is_not_lost(
    service: Service,
) -> None:
    # A process lost its lease during the S3 call, and the next holder reopened the session.
    session = await service.upload_whole()
    upload = session.key, session.store_upload_id or ""
    await service.store.complete_upload(*upload, await service.store.list_parts(*upload))
    assert not (await service.status(reference_to(session))).session.is_lost
    done = await service.complete(reference_to(session))
    assert done.result == await service.bucket.head_object(session.key)


async def test_upload_is_not_marked_lost_while_another_caller_completes(
    service: Service,
) -> None:
    session = await service.upload_whole()
    lease = Lease("another process", service.clock.now() + service.policy.lease)
    leased = await service.sessions.save(session.completing(lease, service.clock.now()))
    await service.lose(session)
    assert (await service.status(reference_to(session))).session == leased


async def test_sign_that_waited_for_an_aborted_upload_is_refused(
    service: Service,
) -> None:
    session = await service.lose_noticed(await service.upload_whole())

    class OpensAndAbortsUpload(ForwardingRepository):
        reads = 0

        async def get(self, upload_id: str) -> UploadSession:
            self.reads += 1
            if self.reads == 2:
                await service.sign(reference_to(session), 1)
                await service.abort(reference_to(session))
            return await super().get(upload_id)

    late = replace(service, sessions=OpensAndAbortsUpload(service.sessions))
    with pytest.raises(TransitionError, match="sign a part of an upload that is aborted"):
        await late.sign(reference_to(session), 1)


async def test_opening_interleaved_by_an_abort_leaves_no_store_upload(service: Service) -> None:
    session = await service.lose_noticed(await service.upload_whole())

    class AbortsUpload(StoreProxy):
        """Aborts the upload after the lease of the caller has expired, before S3 is called."""

        async def create_upload(self, new: NewObject) -> OpenedUpload:
            service.clock.time += service.policy.lease
            await service.abort(reference_to(session))
            return await super().create_upload(new)

    interleaved = replace(service, store=AbortsUpload(service.store))
    with pytest.raises(TransitionError):
        await interleaved.sign(reference_to(session), 1)
    assert (await service.reload(session)).state is SessionState.ABORTED
    assert await service.bucket.list_uploads(session.key) == []
