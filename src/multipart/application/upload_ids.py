"""Choose the id of a new upload.

An id that is derived from what it stands for makes the repository's unique id decide races, on a
sharded cluster too, without a row or a counter of its own:

- an idempotency key has one id, so that its repeats find the same session;
- an upload token that allows N uploads has N ids, so that no more than N sessions can be added.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import randbelow
from uuid import uuid4

from ..domain.errors import UploadTokenExhaustedError
from ..domain.session import SessionState, UploadSession
from ..domain.upload_token import UploadToken
from .new_upload import NewUpload
from .ports import SessionRepository


@dataclass(frozen=True, slots=True)
class ChosenId:
    """An upload id, and whether its session may exist already because this start is a repeat."""

    value: str
    may_exist: bool


async def choose_upload_id(
    sessions: SessionRepository, new: NewUpload, taken: Collection[str]
) -> ChosenId:
    """Choose an id, none of `taken`. Raise UploadTokenExhaustedError."""
    if new.token is not None and new.token.max_uploads is not None:
        return await _choose_counted(sessions, new, new.token, new.token.max_uploads, taken)
    if new.idempotency_key is None:
        return ChosenId(uuid4().hex, may_exist=False)
    # A token's bearer does not see uploads that were started without it.
    scope = [new.user_id] if new.token is None else [new.user_id, new.token.id]
    return ChosenId(_derive(*scope, last=new.idempotency_key), may_exist=True)


async def _choose_counted(
    sessions: SessionRepository,
    new: NewUpload,
    token: UploadToken,
    max_uploads: int,
    taken: Collection[str],
) -> ChosenId:
    ids = _ids_of(token, max_uploads, new)
    started = await sessions.get_many(ids)
    if (repeated := _find_repeated(started, new)) is not None:
        return ChosenId(repeated, may_exist=True)
    used = {*taken, *(session.id for session in started)}
    if (free := next((id_ for id_ in ids if id_ not in used), None)) is not None:
        return ChosenId(free, may_exist=False)
    # The last upload's start may have failed before the client learned of it.
    if (unopened := _find_unopened(started, new)) is not None:
        return ChosenId(unopened, may_exist=True)
    raise UploadTokenExhaustedError(max_uploads)


def _ids_of(token: UploadToken, max_uploads: int, new: NewUpload) -> Sequence[str]:
    """Return the ids of a token, in the order in which a start tries them.

    The same for each repeat, so that repeats at the same moment meet at one id; otherwise anywhere,
    so that starts at the same moment rarely meet.
    """
    first = randbelow(max_uploads) if new.start_key is None else int(new.start_key, 16)
    return [
        _derive(token.user_id, token.id, "", last=str((first + n) % max_uploads))
        for n in range(max_uploads)
    ]


def _find_repeated(started: Sequence[UploadSession], new: NewUpload) -> str | None:
    if new.start_key is None:
        return None
    keys = {session.token and session.token.start_key: session.id for session in started}
    return keys.get(new.start_key)


def _find_unopened(started: Sequence[UploadSession], new: NewUpload) -> str | None:
    return next(
        (
            session.id
            for session in started
            if session.state is SessionState.PENDING and new.declares_same(session)
        ),
        None,
    )


def _derive(*scope: str, last: str) -> str:
    # With their lengths, so that no two lists of texts become the same.
    text = " ".join([*(f"{len(value)} {value}" for value in scope), last])
    return sha256(text.encode()).hexdigest()[:32]
