"""The session's transitions compared with the documented state table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multipart_upload.domain.errors import LeaseHeldError, StoreUploadGoneError, TransitionError
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession

T0: Final = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME: Final = timedelta(days=1)
RETENTION: Final = timedelta(days=30)
RESULT: Final = StoredObject(location="https://store.test/k", etag="e-2", size=9, upload_id="u1")

PENDING: Final = UploadSession(
    id="u1",
    user_id="ada",
    key="ada/u1/film.mov",
    filename="film.mov",
    content_type="video/quicktime",
    created_at=T0,
    active_at=T0,
    expires_at=T0 + LIFETIME,
    metadata={"colour": "red"},
)

# The documented state table. Pairs that are not listed are refused and change nothing.
NEXT: Final[Mapping[tuple[str, str], str]] = {
    ("pending", "opening"): "pending",
    ("pending", "initiated"): "initiated",
    ("pending", "expiring"): "aborting",
    ("initiated", "part_recorded"): "in-progress",
    ("initiated", "store_upload_lost"): "initiated",
    ("initiated", "aborting"): "aborting",
    ("initiated", "expiring"): "aborting",
    ("in-progress", "part_recorded"): "in-progress",
    ("in-progress", "store_upload_lost"): "initiated",
    ("in-progress", "completing"): "completing",
    ("in-progress", "aborting"): "aborting",
    ("in-progress", "expiring"): "aborting",
    ("completing", "completing"): "completing",
    ("completing", "completion_refused"): "in-progress",
    ("completing", "size_refused"): "in-progress",
    ("completing", "store_upload_lost"): "initiated",
    ("completing", "aborting"): "aborting",
    ("completing", "expiring"): "aborting",
    ("completing", "completed"): "completed",
    ("completing", "object_refused"): "aborting",
    ("aborting", "aborting"): "aborting",
    ("aborting", "expiring"): "aborting",
    ("aborting", "ended"): "aborted or expired",
}
# An open session whose store upload is lost; the next sign opens another one.
NEXT_WHEN_LOST: Final[Mapping[str, str]] = {
    "opening": "initiated",
    "initiated": "initiated",
    "store_upload_lost": "initiated",
    "aborting": "aborting",
    "expiring": "aborting",
}
# Only a leased session can renew or release its lease; neither changes the state.
LEASE_ACTIONS: Final = ("lease_renewed", "lease_released")
TERMINAL: Final = ("completed", "aborted", "expired")
STATES: Final = ("pending", "initiated", "in-progress", "completing", "aborting", *TERMINAL)
ACQUIRING: Final = ("opening", "completing", "aborting", "expiring")
ENDING: Final = {"aborting": "aborted", "expiring": "expired", "object_refused": "aborted"}

# Weighted, because most random runs would end before anything is completed.
ONWARD: Final = ("initiated", "part_recorded", "completing")

Action = Callable[[UploadSession, Lease, datetime], UploadSession]
ACTIONS: Final[Mapping[str, Action]] = {
    "initiated": lambda session, _lease, now: session.initiated("s3-id", now),
    "part_recorded": lambda session, _lease, now: session.part_recorded(now),
    "completing": lambda session, lease, now: session.completing(lease, now),
    "completion_refused": lambda session, _lease, now: session.completion_refused(now),
    "object_refused": lambda session, _lease, now: session.object_refused(now, checksum="x"),
    "size_refused": lambda session, _lease, now: session.size_refused(5, now),
    "store_upload_lost": lambda session, _lease, now: session.store_upload_lost(now),
    "opening": lambda session, lease, now: session.opening(lease, now),
    "completed": lambda session, _lease, now: session.completed(RESULT, now, RETENTION),
    "aborting": lambda session, lease, now: session.aborting(lease, now),
    "expiring": lambda session, lease, now: session.expiring(lease, now),
    "ended": lambda session, _lease, now: session.ended(now, RETENTION),
    "lease_renewed": lambda session, lease, _now: session.lease_renewed(lease.deadline),
    "lease_released": lambda session, _lease, _now: session.lease_released(),
}

# Every path to a state that leaves different fields behind.
PATHS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("opening",),
    ("opening", "lease_released"),
    ("opening", "initiated"),
    ("initiated",),
    ("initiated", "store_upload_lost"),
    ("initiated", "store_upload_lost", "opening"),
    ("initiated", "store_upload_lost", "opening", "initiated"),
    ("initiated", "part_recorded", "store_upload_lost"),
    ("initiated", "part_recorded", "completing", "store_upload_lost"),
    ("initiated", "part_recorded"),
    ("initiated", "part_recorded", "completing"),
    ("initiated", "part_recorded", "completing", "completion_refused"),
    ("initiated", "part_recorded", "completing", "size_refused"),
    ("initiated", "part_recorded", "completing", "lease_released"),
    ("initiated", "part_recorded", "completing", "completed"),
    ("initiated", "part_recorded", "completing", "object_refused"),
    ("initiated", "part_recorded", "completing", "object_refused", "aborting", "ended"),
    ("expiring",),
    ("expiring", "ended"),
    ("initiated", "aborting"),
    ("initiated", "store_upload_lost", "aborting"),
    ("initiated", "aborting", "lease_released"),
    ("initiated", "expiring"),
    ("initiated", "part_recorded", "aborting"),
    ("initiated", "part_recorded", "aborting", "ended"),
    ("initiated", "part_recorded", "expiring"),
    ("initiated", "part_recorded", "expiring", "ended"),
    ("initiated", "part_recorded", "completing", "lease_released", "aborting", "ended"),
    ("initiated", "part_recorded", "completing", "lease_released", "expiring"),
)
FIRST: Final = Lease("first", T0 + timedelta(seconds=30))
SECOND: Final = Lease("second", T0 + timedelta(seconds=300))
DURING: Final = T0 + timedelta(seconds=29)
AFTER: Final = FIRST.deadline


def follow(path: tuple[str, ...]) -> UploadSession:
    session = PENDING
    for action in path:
        session = ACTIONS[action](session, FIRST, T0)
    return session


def find_ending(path: tuple[str, ...]) -> str:
    return next((ENDING[action] for action in path if action in ENDING), "")


def is_leased(path: tuple[str, ...]) -> bool:
    return bool(path) and path[-1] in ACQUIRING


def is_lost(path: tuple[str, ...]) -> bool:
    last = max((n for n, action in enumerate(path) if action == "store_upload_lost"), default=-1)
    return last >= 0 and not {"initiated", *ENDING} & {*path[last:]}


def step(state: str, action: str, *, lost: bool, leased: bool) -> str | None:
    """Return the state after an action, or None if it is refused."""
    if action in LEASE_ACTIONS:
        return state if leased else None
    return NEXT_WHEN_LOST.get(action) if lost else NEXT.get((state, action))


def test_states_are_spelled_as_on_the_wire() -> None:
    assert tuple(map(str, sorted(SessionState, key=STATES.index))) == STATES


def test_table_names_every_transition_of_the_model() -> None:
    methods = {name for name, _ in inspect.getmembers(UploadSession, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    others = {
        "is_leased",
        "limit_url_lifetime",
        "require_open",
        "require_recordable",
        "require_young",
        "with_version",
    }
    assert public - others == set(ACTIONS)
    tabled = {action for _, action in NEXT} | set(NEXT_WHEN_LOST) | set(LEASE_ACTIONS)
    assert tabled == set(ACTIONS)


def test_paths_reach_every_state() -> None:
    assert {follow(path).state for path in PATHS} == set(STATES)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_session_has_exactly_the_fields_of_its_state(path: tuple[str, ...]) -> None:
    session = follow(path)
    assert session.lease == (FIRST if is_leased(path) else None)
    assert session.result == (RESULT if session.state == "completed" else None)
    assert session.is_lost == is_lost(path)
    events = [action for action in path if action in {"initiated", "store_upload_lost"}]
    assert session.store_upload_id == ("s3-id" if events[-1:] == ["initiated"] else None)
    retained_until = T0 + RETENTION if session.state in TERMINAL else None
    assert session.retained_until == retained_until


@pytest.mark.parametrize(("path", "action"), list(product(PATHS, ACTIONS)), ids=str)
def test_every_action_in_every_state_is_as_documented_or_refused(
    path: tuple[str, ...], action: str
) -> None:
    session = follow(path)
    expected = step(session.state, action, lost=is_lost(path), leased=is_leased(path))
    if expected is None:
        error = StoreUploadGoneError if is_lost(path) and action == "part_recorded" else None
        with pytest.raises(error or TransitionError) as refusal:
            ACTIONS[action](session, SECOND, AFTER)
        if error is None:
            assert refusal.value.extensions["status"] == session.state
            assert f"an upload that is {session.state}." in str(refusal.value)
    else:
        done = ACTIONS[action](session, SECOND, AFTER)
        assert done.state == (find_ending(path) if action == "ended" else expected)
    assert session == follow(path)


@pytest.mark.parametrize(
    ("path", "action"),
    list(product([path for path in PATHS if is_leased(path)], ACQUIRING)),
    ids=str,
)
def test_live_lease_refuses_other_holders(path: tuple[str, ...], action: str) -> None:
    session = follow(path)
    is_step = step(session.state, action, lost=is_lost(path), leased=True) is not None
    with pytest.raises(LeaseHeldError if is_step else TransitionError) as refusal:
        ACTIONS[action](session, SECOND, DURING)
    assert refusal.value.extensions["status"] == session.state
    if isinstance(refusal.value, LeaseHeldError):
        assert refusal.value.retry_after == 1.0


@pytest.mark.parametrize(
    ("path", "action"),
    list(product([path for path in PATHS if is_leased(path)], ACQUIRING)),
    ids=str,
)
def test_lease_can_be_taken_over_after_deadline_or_release(
    path: tuple[str, ...], action: str
) -> None:
    session = follow(path)
    if step(session.state, action, lost=is_lost(path), leased=True) is None:
        return
    for free, now in ((session, AFTER), (session.lease_released(), DURING)):
        taken = ACTIONS[action](free, SECOND, now)
        # A repeatedly failing complete must not keep its session from expiring.
        is_retry = session.state == action == "completing"
        assert (taken.lease, taken.active_at) == (SECOND, T0 if is_retry else now)


def test_renewed_lease_has_the_same_holder_and_a_later_deadline() -> None:
    session = follow(("opening",)).lease_renewed(SECOND.deadline)
    assert session.lease == Lease(FIRST.holder, SECOND.deadline)
    assert session.active_at == T0


def test_loss_does_not_count_as_activity() -> None:
    assert follow(("initiated", "store_upload_lost")).expires_at == T0 + LIFETIME


def test_abort_date_is_that_of_the_current_store_upload() -> None:
    first, second = T0 + LIFETIME, T0 + 2 * LIFETIME
    session = PENDING.initiated("first", T0, first)
    assert session.abort_date == first
    assert session.store_upload_lost(T0).abort_date is None
    assert session.store_upload_lost(T0).initiated("second", T0, second).abort_date == second


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_session_is_due_at_lease_end_or_expiry(path: tuple[str, ...]) -> None:
    session = follow(path)
    if session.state in TERMINAL:
        assert session.due_at is None
    elif session.state in {"initiated", "in-progress"}:
        assert session.due_at == session.expires_at
    else:
        assert session.due_at == (FIRST.deadline if is_leased(path) else T0)


def test_abort_taken_over_ends_as_it_was_begun() -> None:
    begun_by_client = follow(("initiated", "aborting")).expiring(SECOND, AFTER)
    begun_by_sweep = follow(("initiated", "expiring")).aborting(SECOND, AFTER)
    assert begun_by_client.ended(AFTER, RETENTION).state == "aborted"
    assert begun_by_sweep.ended(AFTER, RETENTION).state == "expired"


def test_abort_without_a_beginning_cannot_end() -> None:
    with pytest.raises(TransitionError):
        replace(PENDING, state=SessionState.ABORTING).ended(AFTER, RETENTION)


class SessionMachine(RuleBasedStateMachine):
    """Any sequence of actions at any times agrees with the table."""

    def __init__(self) -> None:
        super().__init__()
        self.session = PENDING
        self.now = T0
        self.latest = T0
        self.state = "pending"
        self.ending = ""
        self.lease: Lease | None = None
        self.lost = False

    @rule(seconds=st.integers(-60, 600))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(action=st.sampled_from((*ACTIONS, *ONWARD * 3)), seconds=st.integers(1, 300))
    def act(self, action: str, seconds: int) -> None:
        lease = Lease(f"{action} at {self.now}", self.now + timedelta(seconds=seconds))
        leased = self.lease is not None
        expected = step(self.state, action, lost=self.lost, leased=leased)
        if expected is None:
            self._expect_refusal(action, lease)
        elif action in ACQUIRING and self.lease is not None and self.now < self.lease.deadline:
            self._expect_wait(action, lease, self.lease.deadline)
        else:
            self._apply(action, lease, expected)

    def _expect_refusal(self, action: str, lease: Lease) -> None:
        before = self.session
        with pytest.raises((TransitionError, StoreUploadGoneError)):
            ACTIONS[action](self.session, lease, self.now)
        assert self.session == before

    def _expect_wait(self, action: str, lease: Lease, deadline: datetime) -> None:
        with pytest.raises(LeaseHeldError) as refusal:
            ACTIONS[action](self.session, lease, self.now)
        assert refusal.value.retry_after == (deadline - self.now).total_seconds() > 0

    def _apply(self, action: str, lease: Lease, expected: str) -> None:
        self.session = ACTIONS[action](self.session, lease, self.now)
        if action in ENDING and self.state != "aborting":
            self.ending = ENDING[action]
        self.state = self.ending if action == "ended" else expected
        self.lost = action == "store_upload_lost" or (
            self.lost and action in {"opening", *LEASE_ACTIONS}
        )
        if action == "lease_renewed" and self.lease is not None:
            self.lease = Lease(self.lease.holder, lease.deadline)
        else:
            self.lease = lease if action in ACQUIRING else None
        self.latest = max(self.latest, self.session.active_at)

    @invariant()
    def state_is_that_of_the_table(self) -> None:
        assert self.session.state == self.state

    @invariant()
    def only_a_leased_session_has_a_lease(self) -> None:
        assert self.session.lease == self.lease
        assert self.lease is None or self.lost or self.state in ("pending", *ACQUIRING)

    @invariant()
    def only_an_open_session_is_lost(self) -> None:
        assert self.session.is_lost == self.lost
        assert not self.lost or self.state == "initiated"

    @invariant()
    def only_a_completed_session_has_a_result(self) -> None:
        assert self.session.result == (RESULT if self.state == "completed" else None)

    @invariant()
    def activity_never_goes_back_and_expiry_follows_it(self) -> None:
        assert self.session.active_at == self.latest
        assert self.session.expires_at - self.session.active_at == LIFETIME

    @invariant()
    def identity_never_changes(self) -> None:
        names = ("id", "user_id", "key", "filename", "content_type", "created_at", "metadata")
        assert all(getattr(self.session, n) == getattr(PENDING, n) for n in (*names, "version"))


TestSessionMachine = SessionMachine.TestCase
