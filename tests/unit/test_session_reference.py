"""The id, key and user that a client must give to reach an upload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Final

import pytest

from multipart_upload.application.session_reference import SessionReference
from multipart_upload.domain.errors import SessionNotFoundError

from .service import Service, reference_to

CALLS: Final[Mapping[str, Callable[[Service, SessionReference], Awaitable[object]]]] = {
    "sign": lambda service, address: service.sign(address, 1),
    "record": lambda service, address: service.record(address, 1, "e1"),
    "complete": lambda service, address: service.complete(address),
    "abort": lambda service, address: service.abort(address),
    "list_parts": lambda service, address: service.list_parts(address),
    "status": lambda service, address: service.status(address),
}
# Each reference is wrong in one way: unknown, in another case, or of another session.
WRONG: Final[Mapping[str, Callable[[SessionReference, SessionReference], SessionReference]]] = {
    "unknown id": lambda own, _: replace(own, upload_id="unknown"),
    "empty id": lambda own, _: replace(own, upload_id=""),
    "another session's id": lambda own, other: replace(own, upload_id=other.upload_id),
    "another session's key": lambda own, other: replace(own, key=other.key),
    "key in other case": lambda own, _: replace(own, key=own.key.upper()),
    "empty key": lambda own, _: replace(own, key=""),
    "another user": lambda own, other: replace(own, user_id=other.user_id),
    "user in other case": lambda own, _: replace(own, user_id="ADA"),
    "empty user": lambda own, _: replace(own, user_id=""),
    "all but the user another's": lambda own, other: replace(other, user_id=own.user_id),
    "wrong key and no user": lambda own, other: replace(own, key=other.key, user_id=None),
}


@pytest.mark.parametrize(("call", "wrong"), list(product(CALLS, WRONG)))
async def test_any_wrong_reference_is_not_found_and_changes_nothing(
    service: Service, call: str, wrong: str
) -> None:
    session, another = await service.upload_whole(), await service.start_session(user_id="bob")
    address = WRONG[wrong](reference_to(session), reference_to(another))
    with pytest.raises(SessionNotFoundError) as refusal:
        await CALLS[call](service, address)
    assert str(refusal.value) == "Upload session not found or no parts uploaded"
    assert (refusal.value.code, refusal.value.extensions) == ("upload-not-found", {})
    assert await service.reload(session) == session
    assert await service.reload(another) == another
    assert len(await service.sessions.list_parts(another.id)) == 0


@pytest.mark.parametrize("call", CALLS)
async def test_id_and_key_are_enough_without_a_user(service: Service, call: str) -> None:
    session = await service.upload_whole()
    await CALLS[call](service, replace(reference_to(session), user_id=None))


async def test_ended_upload_is_not_found_by_other_users(service: Service) -> None:
    session = await service.upload_whole()
    await service.complete(reference_to(session))
    for call in CALLS.values():
        with pytest.raises(SessionNotFoundError):
            await call(service, replace(reference_to(session), user_id="bob"))
