"""Recording a batch of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from multipart_upload.application.ports import ForwardingRepository
from multipart_upload.application.record_parts import PartReport, RecordedPart
from multipart_upload.domain.errors import (
    InvalidFieldError,
    SessionNotFoundError,
    StoreUploadGoneError,
    TransitionError,
)
from multipart_upload.domain.part import Part
from multipart_upload.domain.session import SessionState, UploadSession

from .service import MIB, PART_SIZE, Service, reference_to


async def test_batch_records_the_same_as_single_reports(service: Service) -> None:
    together, alone = await service.start_session(17 * MIB), await service.start_session(17 * MIB)
    reports = [PartReport(3, '"e3"', MIB), PartReport(1, "e1"), PartReport(2, "e2", PART_SIZE)]
    recorded = await service.record_many(reference_to(together), reports)
    each = [
        await service.record(reference_to(alone), report.number, report.etag, report.size)
        for report in reports
    ]
    assert recorded == each[-1] == RecordedPart(SessionState.IN_PROGRESS, 3)
    parts = await service.sessions.list_parts(together.id)
    assert parts == await service.sessions.list_parts(alone.id)


async def test_last_report_of_a_number_in_a_batch_wins(service: Service) -> None:
    session = await service.start_session()
    reports = [PartReport(1, "old"), PartReport(2, "e2"), PartReport(1, "new")]
    assert (await service.record_many(reference_to(session), reports)).parts_recorded == 2
    assert [part.etag for part in await service.sessions.list_parts(session.id)] == ["new", "e2"]


@pytest.mark.parametrize(
    ("wrong", "field", "rule"),
    [
        (PartReport(4, "e"), "parts[1].part_number", "must be 1 to 3"),
        (PartReport(1, "e", 5), "parts[1].size", f"part 1 of this upload has {PART_SIZE} bytes"),
    ],
)
async def test_wrong_part_is_named_by_position_and_none_is_recorded(
    service: Service, wrong: PartReport, field: str, rule: str
) -> None:
    session = await service.start_session(17 * MIB)
    with pytest.raises(InvalidFieldError) as refusal:
        await service.record_many(reference_to(session), [PartReport(1, "e"), wrong])
    assert refusal.value.extensions == {"errors": [{"field": field, "message": rule}]}
    assert len(await service.sessions.list_parts(session.id)) == 0
    assert await service.reload(session) == session


async def test_batch_reaches_the_repository_in_one_call(service: Service) -> None:
    class Calls(ForwardingRepository):
        made = 0

        async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
            self.made += 1
            return await super().report_parts(session, parts)

    session = await service.start_session()
    calls = Calls(service.sessions)
    reports = [PartReport(number, "e") for number in range(1, 10_001)]
    recorded = await replace(service, sessions=calls).record_many(reference_to(session), reports)
    assert (recorded.parts_recorded, calls.made) == (10_000, 1)


@pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
async def test_batch_is_refused_unless_the_upload_is_open(
    service: Service, state: SessionState
) -> None:
    session = await service.start_session()
    await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError):
        await service.record_many(reference_to(session), [PartReport(1, "e")])
    assert len(await service.sessions.list_parts(session.id)) == 0


async def test_an_upload_of_another_user_is_not_found(service: Service) -> None:
    session = await service.start_session()
    with pytest.raises(SessionNotFoundError):
        await service.record_many(
            reference_to(replace(session, user_id="eve")), [PartReport(1, "e")]
        )


async def test_batch_for_a_lost_upload_is_refused(
    service: Service,
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await service.status(reference_to(session))
    with pytest.raises(StoreUploadGoneError):
        await service.record_many(reference_to(session), [PartReport(1, "e1")])
