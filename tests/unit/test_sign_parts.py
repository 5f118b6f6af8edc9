"""Signing many parts at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.application.ports import SignedPart
from multipart_upload.domain.errors import (
    InvalidFieldError,
    SessionNotFoundError,
    TransitionError,
)
from multipart_upload.domain.session import SessionState, UploadSession

from .service import MIB, Service, reference_to


async def numbers_signed(
    service: Service, session: UploadSession, *wanted: range, of_plan: bool = False
) -> list[int]:
    signed = await service.sign_many(reference_to(session), None if of_plan else wanted)
    return list(signed.urls)


async def test_numbers_are_signed_in_the_order_asked_for_each_once(service: Service) -> None:
    session = await service.start_session()
    wanted = (range(7, 8), range(3, 6), range(4, 5), range(10_000, 10_001))
    assert await numbers_signed(service, session, *wanted) == [7, 3, 4, 5, 10_000]


async def test_all_are_the_parts_of_the_plan(service: Service) -> None:
    session = await service.start_session(17 * MIB)
    assert await numbers_signed(service, session, of_plan=True) == [1, 2, 3]


async def test_without_a_plan_all_is_no_number_of_parts(service: Service) -> None:
    session = await service.start_session()
    with pytest.raises(InvalidFieldError, match=r"^part_numbers: must be numbers"):
        await numbers_signed(service, session, of_plan=True)


async def test_a_url_serves_its_part_for_as_long_as_one_signed_alone(service: Service) -> None:
    session = await service.start_session()
    alone = await service.sign(reference_to(session), 3)
    many = await service.sign_many(reference_to(session), [range(3, 4)])
    assert (many.urls, many.expires_at) == ({3: alone.url}, alone.expires_at)
    await service.bucket.put(SignedPart(many.urls[3], {}, many.expires_at), b"hello")
    (stored,) = await service.bucket.list_parts(session.key, session.open_store_upload_id)
    assert stored.number == 3


async def test_urls_of_a_plan_take_only_the_planned_length(service: Service) -> None:
    session = await service.start_session(17 * MIB)
    many = await service.sign_many(reference_to(session), None)
    for number, body in ((1, bytes(8 * MIB)), (3, bytes(MIB))):
        signed = SignedPart(many.urls[number], {}, many.expires_at)
        with pytest.raises(PermissionError):
            await service.bucket.put(signed, body + b"x")
        await service.bucket.put(signed, body)
    stored = await service.bucket.list_parts(session.key, session.open_store_upload_id)
    assert [(part.number, part.size) for part in stored] == [(1, 8 * MIB), (3, MIB)]


@pytest.mark.parametrize(
    ("size", "wanted", "place", "last"),
    [
        (None, [range(1, 2), range(10_001)], 1, 10_000),
        (None, [range(1, 10_002)], 0, 10_000),
        (17 * MIB, [range(1, 2), range(2, 3), range(3, 5)], 2, 3),
        (17 * MIB, [range(3, 3)], 0, 3),
        (17 * MIB, [range(3, 1)], 0, 3),
    ],
)
async def test_a_number_that_is_no_part_is_named_by_its_place_and_the_last(
    service: Service, size: int | None, wanted: list[range], place: int, last: int
) -> None:
    session = await service.start_session(size)
    with pytest.raises(InvalidFieldError) as refusal:
        await numbers_signed(service, session, *wanted)
    error = {
        "field": f"part_numbers[{place}]",
        "message": f"must be 1 to {last}, in ascending order",
    }
    assert refusal.value.extensions == {"errors": [error]}


@pytest.mark.parametrize("wanted", [[], [range(1, 10_001), range(1, 2)], [range(1, 9)] * 1251])
async def test_more_than_ten_thousand_and_none_at_all_are_refused(
    service: Service, wanted: list[range]
) -> None:
    session = await service.start_session()
    with pytest.raises(InvalidFieldError, match=r"^part_numbers: must be 1 to 10000 parts$"):
        await numbers_signed(service, session, *wanted)


async def test_ten_thousand_are_not_too_many(service: Service) -> None:
    session = await service.start_session()
    assert len(await numbers_signed(service, session, range(1, 10_001))) == 10_000


@pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
async def test_only_parts_of_an_open_upload_are_signed(
    service: Service, state: SessionState
) -> None:
    session = await service.start_session()
    await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError):
        await numbers_signed(service, session, range(1, 2))


async def test_an_upload_of_another_key_is_not_found(service: Service) -> None:
    session = await service.start_session()
    with pytest.raises(SessionNotFoundError):
        await numbers_signed(service, replace(session, key="another"), range(1, 2))


async def test_a_lost_upload_is_opened_anew_for_all_of_them(service: Service) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await service.status(reference_to(session))
    with pytest.raises(InvalidFieldError):
        await service.sign_many(reference_to(session), [range(1, 20_000)])
    assert (await service.reload(session)).is_lost
    signed = await service.sign_many(reference_to(session), [range(1, 2)])
    reopened = await service.reload(session)
    assert reopened.store_upload_id not in {None, session.store_upload_id}
    assert str(reopened.store_upload_id) in signed.urls[1]
