"""Uploads within the limits of an upload token."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from typing import Final

import pytest

from multipart_upload.application.new_upload import NewUpload
from multipart_upload.application.ports import SessionQuery
from multipart_upload.application.session_reference import SessionReference
from multipart_upload.domain.errors import (
    FileTooLargeError,
    InvalidFieldsError,
    SessionNotFoundError,
    SingleUploadsUnsupportedError,
    StoreUnavailableError,
    UploadTokenExhaustedError,
)
from multipart_upload.domain.session import SessionState
from multipart_upload.domain.upload_token import UploadToken

from .faults import StoreAnswersLost, YieldingRepository
from .service import T0, Service, SettableClock, new_upload

TOKEN: Final = UploadToken(id="t1", user_id="ada", expires_at=T0 + timedelta(days=90))
ONE: Final = replace(TOKEN, max_uploads=1)


def with_token(token: UploadToken, **declared: object) -> NewUpload:
    return replace(new_upload(), token=token, **declared)  # type: ignore[arg-type]


async def test_size_is_limited(service: Service) -> None:
    small = replace(TOKEN, max_size=4)

    with pytest.raises(FileTooLargeError):
        await service.start(with_token(small, size=5))
    planned = await service.start(with_token(small, size=4))
    unplanned = await service.start(with_token(small))

    assert planned.plan is not None
    assert unplanned.max_size == 4
    await service.upload(unplanned, 1, b"12345")
    with pytest.raises(FileTooLargeError):
        await service.complete(SessionReference(upload_id=unplanned.id, key=unplanned.key))


async def test_types_are_limited(service: Service) -> None:
    with pytest.raises(InvalidFieldsError):
        await service.start(with_token(replace(TOKEN, content_types=("image/*",))))


async def test_prefix_and_metadata_are_fixed(service: Service) -> None:
    token = replace(TOKEN, key_prefix="avatars/", metadata={"Project": "summer"})
    new = with_token(token, metadata={"project": "other", "colour": "red"})

    session = await service.start(new)

    assert session.key.startswith("avatars/ada/")
    assert session.metadata == {"colour": "red", "Project": "summer"}


async def test_bearer_sees_only_uploads_of_the_token(service: Service) -> None:
    own = await service.start(with_token(TOKEN))
    other = await service.start(new_upload())
    mine = SessionReference(upload_id=own.id, key=own.key, token_id="t1")

    assert (await service.status(mine)).session.id == own.id
    for token_id in ("t2", "t1"):
        reference = SessionReference(upload_id=other.id, key=other.key, token_id=token_id)
        with pytest.raises(SessionNotFoundError):
            await service.status(reference)
    found = await service.list_sessions(SessionQuery(user_id="ada", token_id="t1"))
    assert [session.id for session in found.sessions] == [own.id]


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_racing_starts_never_exceed_the_number_of_uploads(
    service: Service, count: int
) -> None:
    racing = replace(service, sessions=YieldingRepository(service.sessions, repeat(3)))
    new = with_token(replace(TOKEN, max_uploads=count))

    found = await asyncio.gather(
        *(racing.start(replace(new, filename=f"{n}")) for n in range(count + 10)),
        return_exceptions=True,
    )

    refused = [error for error in found if isinstance(error, BaseException)]
    assert len(refused) == 10
    assert {type(error) for error in refused} == {UploadTokenExhaustedError}


async def test_repeated_key_counts_once_even_in_a_race(service: Service) -> None:
    racing = replace(service, sessions=YieldingRepository(service.sessions, repeat(3)))
    new = with_token(replace(TOKEN, max_uploads=3), idempotency_key="k")
    await racing.start(new)

    found = await asyncio.gather(*(racing.start(new) for _ in range(5)))

    assert len({session.id for session in found}) == 1
    for key in ("l", "m"):
        await service.start(replace(new, idempotency_key=key))
    with pytest.raises(UploadTokenExhaustedError):
        await service.start(replace(new, idempotency_key="n"))
    assert (await service.start(new)).id == found[0].id


async def test_failed_start_can_be_repeated_with_the_last_upload(
    service: Service, clock: SettableClock
) -> None:
    failing = replace(service, store=StoreAnswersLost(service.store))
    with pytest.raises(StoreUnavailableError):
        await failing.start(with_token(ONE))
    clock.advance(minutes=1)

    with pytest.raises(UploadTokenExhaustedError):
        await service.start(with_token(ONE, filename="other"))
    session = await service.start(with_token(ONE))

    assert session.state is SessionState.INITIATED


async def test_ended_upload_counts_until_the_token_expires(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start(with_token(ONE))
    await service.abort(SessionReference(upload_id=session.id, key=session.key))
    clock.advance(days=60)
    await service.sweep()

    with pytest.raises(UploadTokenExhaustedError):
        await service.start(with_token(ONE))


async def test_single_uploads_cannot_be_counted(service: Service) -> None:
    with pytest.raises(SingleUploadsUnsupportedError, match="shouldUseMultipart"):
        await service.sign_single(with_token(ONE))
