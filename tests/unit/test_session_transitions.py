"""The state machine of design.md, written out once more and compared with the model."""

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

# The table of design.md. A pair that is not in it is refused and changes nothing.
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
    ("completing", "store_upload_lost"): "initiated",
    ("completing", "aborting"): "aborting",
    ("completing", "expiring"): "aborting",
    ("completing", "completed"): "completed",
    ("aborting", "aborting"): "aborting",
    ("aborting", "expiring"): "aborting",
    ("aborting", "ended"): "as it was begun",
}
# An open session whose upload the store has lost: the next sign opens another.
NEXT_WHEN_LOST: Final[Mapping[str, str]] = {
    "opening": "initiated",
    "initiated": "initiated",
    "store_upload_lost": "initiated",
    "aborting": "aborting",
    "expiring": "aborting",
}
# Whatever is claimed, and nothing else, can be kept or given back; the state stays.
ON_LEASES: Final = ("lease_renewed", "lease_released")
TERMINAL: Final = ("completed", "aborted", "expired")
STATES: Final = ("pending", "initiated", "in-progress", "completing", "aborting", *TERMINAL)
CLAIMS: Final = ("opening", "completing", "aborting", "expiring")
ENDING: Final = {"aborting": "aborted", "expiring": "expired"}

# Left to chance alone, most runs would end before anything is completed.
ONWARD: Final = ("initiated", "part_recorded", "completing")

Action = Callable[[UploadSession, Lease, datetime], UploadSession]
ACTIONS: Final[Mapping[str, Action]] = {
    "initiated": lambda session, _lease, now: session.initiated("s3-id", now),
    "part_recorded": lambda session, _lease, now: session.part_recorded(now),
    "completing": lambda session, lease, now: session.completing(lease, now),
    "completion_refused": lambda session, _lease, now: session.completion_refused(now),
    "store_upload_lost": lambda session, _lease, _now: session.store_upload_lost(),
    "opening": lambda session, lease, now: session.opening(lease, now),
    "completed": lambda session, _lease, now: session.completed(RESULT, now, RETENTION),
    "aborting": lambda session, lease, now: session.aborting(lease, now),
    "expiring": lambda session, lease, now: session.expiring(lease, now),
    "ended": lambda session, _lease, now: session.ended(now, RETENTION),
    "lease_renewed": lambda session, lease, _now: session.lease_renewed(lease.deadline),
    "lease_released": lambda session, _lease, _now: session.lease_released(),
}

# How each state is reached, by every way that differs in what it leaves behind.
WAYS: Final[tuple[tuple[str, ...], ...]] = (
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
    ("initiated", "part_recorded", "completing", "lease_released"),
    ("initiated", "part_recorded", "completing", "completed"),
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


def after(way: tuple[str, ...]) -> UploadSession:
    session = PENDING
    for action in way:
        session = ACTIONS[action](session, FIRST, T0)
    return session


def begun_as(way: tuple[str, ...]) -> str:
    return next((ENDING[action] for action in way if action in ENDING), "")


def is_claimed(way: tuple[str, ...]) -> bool:
    return bool(way) and way[-1] in CLAIMS


def is_lost(way: tuple[str, ...]) -> bool:
    last = max((n for n, action in enumerate(way) if action == "store_upload_lost"), default=-1)
    return last >= 0 and not {"initiated", "aborting", "expiring"} & {*way[last:]}


def step(state: str, action: str, *, lost: bool, claimed: bool) -> str | None:
    """Give the state after an action, None where it is refused."""
    if action in ON_LEASES:
        return state if claimed else None
    return NEXT_WHEN_LOST.get(action) if lost else NEXT.get((state, action))


def test_the_states_are_spelled_as_on_the_wire() -> None:
    assert tuple(map(str, sorted(SessionState, key=STATES.index))) == STATES


def test_the_table_names_every_transition_of_the_model() -> None:
    methods = {name for name, _ in inspect.getmembers(UploadSession, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    others = {
        "is_leased",
        "require_open",
        "require_recordable",
        "require_young",
        "url_life",
        "with_version",
    }
    assert public - others == set(ACTIONS)
    tabled = {action for _, action in NEXT} | set(NEXT_WHEN_LOST) | set(ON_LEASES)
    assert tabled == set(ACTIONS)


def test_the_ways_reach_every_state() -> None:
    assert {after(way).state for way in WAYS} == set(STATES)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_session_carries_what_its_state_needs_and_no_more(way: tuple[str, ...]) -> None:
    session = after(way)
    assert session.lease == (FIRST if is_claimed(way) else None)
    assert session.result == (RESULT if session.state == "completed" else None)
    assert session.is_lost == is_lost(way)
    events = [action for action in way if action in {"initiated", "store_upload_lost"}]
    assert session.store_upload_id == ("s3-id" if events[-1:] == ["initiated"] else None)
    retained_until = T0 + RETENTION if session.state in TERMINAL else None
    assert session.retained_until == retained_until


@pytest.mark.parametrize(("way", "action"), list(product(WAYS, ACTIONS)), ids=str)
def test_every_action_in_every_state_is_the_documented_step_or_refused(
    way: tuple[str, ...], action: str
) -> None:
    session = after(way)
    expected = step(session.state, action, lost=is_lost(way), claimed=is_claimed(way))
    if expected is None:
        error = StoreUploadGoneError if is_lost(way) and action == "part_recorded" else None
        with pytest.raises(error or TransitionError) as refusal:
            ACTIONS[action](session, SECOND, AFTER)
        if error is None:
            assert refusal.value.extensions["status"] == session.state
            assert f"an upload that is {session.state}." in str(refusal.value)
    else:
        done = ACTIONS[action](session, SECOND, AFTER)
        assert done.state == (begun_as(way) if action == "ended" else expected)
    assert session == after(way)


@pytest.mark.parametrize(
    ("way", "action"), list(product([way for way in WAYS if is_claimed(way)], CLAIMS)), ids=str
)
def test_a_live_lease_keeps_everybody_else_out(way: tuple[str, ...], action: str) -> None:
    session = after(way)
    is_step = step(session.state, action, lost=is_lost(way), claimed=True) is not None
    with pytest.raises(LeaseHeldError if is_step else TransitionError) as refusal:
        ACTIONS[action](session, SECOND, DURING)
    assert refusal.value.extensions["status"] == session.state
    if isinstance(refusal.value, LeaseHeldError):
        assert refusal.value.retry_after == 1.0


@pytest.mark.parametrize(
    ("way", "action"), list(product([way for way in WAYS if is_claimed(way)], CLAIMS)), ids=str
)
def test_at_its_deadline_or_once_released_a_lease_may_be_taken_over(
    way: tuple[str, ...], action: str
) -> None:
    session = after(way)
    if step(session.state, action, lost=is_lost(way), claimed=True) is None:
        return
    for free, now in ((session, AFTER), (session.lease_released(), DURING)):
        taken = ACTIONS[action](free, SECOND, now)
        # A complete that fails again and again must not keep its session from expiring.
        is_retry = session.state == action == "completing"
        assert (taken.lease, taken.active_at) == (SECOND, T0 if is_retry else now)


def test_a_renewed_lease_has_the_same_holder_and_a_later_end() -> None:
    session = after(("opening",)).lease_renewed(SECOND.deadline)
    assert session.lease == Lease(FIRST.holder, SECOND.deadline)
    assert session.active_at == T0


def test_a_loss_is_no_activity() -> None:
    assert after(("initiated", "store_upload_lost")).expires_at == T0 + LIFETIME


def test_the_abort_date_is_that_of_the_upload_in_use() -> None:
    first, second = T0 + LIFETIME, T0 + 2 * LIFETIME
    session = PENDING.initiated("first", T0, first)
    assert session.abort_date == first
    assert session.store_upload_lost().abort_date is None
    assert session.store_upload_lost().initiated("second", T0, second).abort_date == second


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_session_is_due_when_nobody_is_expected_at_it_any_more(way: tuple[str, ...]) -> None:
    session = after(way)
    if session.state in TERMINAL:
        assert session.due_at is None
    elif session.state in {"initiated", "in-progress"}:
        assert session.due_at == session.expires_at
    else:
        assert session.due_at == (FIRST.deadline if is_claimed(way) else T0)


def test_who_takes_over_an_abort_ends_it_as_it_was_begun() -> None:
    begun_by_client = after(("initiated", "aborting")).expiring(SECOND, AFTER)
    begun_by_sweep = after(("initiated", "expiring")).aborting(SECOND, AFTER)
    assert begun_by_client.ended(AFTER, RETENTION).state == "aborted"
    assert begun_by_sweep.ended(AFTER, RETENTION).state == "expired"


def test_an_abort_that_nobody_began_has_no_end() -> None:
    with pytest.raises(TransitionError):
        replace(PENDING, state=SessionState.ABORTING).ended(AFTER, RETENTION)


class SessionMachine(RuleBasedStateMachine):
    """Any sequence of actions at any times, next to the table."""

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
        claimed = self.lease is not None
        expected = step(self.state, action, lost=self.lost, claimed=claimed)
        if expected is None:
            self._is_refused(action, lease)
        elif action in CLAIMS and self.lease is not None and self.now < self.lease.deadline:
            self._has_to_wait(action, lease, self.lease.deadline)
        else:
            self._moves(action, lease, expected)

    def _is_refused(self, action: str, lease: Lease) -> None:
        before = self.session
        with pytest.raises((TransitionError, StoreUploadGoneError)):
            ACTIONS[action](self.session, lease, self.now)
        assert self.session == before

    def _has_to_wait(self, action: str, lease: Lease, deadline: datetime) -> None:
        with pytest.raises(LeaseHeldError) as refusal:
            ACTIONS[action](self.session, lease, self.now)
        assert refusal.value.retry_after == (deadline - self.now).total_seconds() > 0

    def _moves(self, action: str, lease: Lease, expected: str) -> None:
        self.session = ACTIONS[action](self.session, lease, self.now)
        if action in ENDING and self.state != "aborting":
            self.ending = ENDING[action]
        self.state = self.ending if action == "ended" else expected
        self.lost = action == "store_upload_lost" or (
            self.lost and action in {"opening", *ON_LEASES}
        )
        if action == "lease_renewed" and self.lease is not None:
            self.lease = Lease(self.lease.holder, lease.deadline)
        else:
            self.lease = lease if action in CLAIMS else None
        self.latest = max(self.latest, self.session.active_at)

    @invariant()
    def it_is_in_the_state_of_the_table(self) -> None:
        assert self.session.state == self.state

    @invariant()
    def only_a_claimed_session_has_a_lease(self) -> None:
        assert self.session.lease == self.lease
        assert self.lease is None or self.lost or self.state in ("pending", *CLAIMS)

    @invariant()
    def only_an_open_session_is_lost(self) -> None:
        assert self.session.is_lost == self.lost
        assert not self.lost or self.state == "initiated"

    @invariant()
    def its_result_is_there_only_when_it_is_completed(self) -> None:
        assert self.session.result == (RESULT if self.state == "completed" else None)

    @invariant()
    def it_never_looks_older_and_keeps_its_lifetime(self) -> None:
        assert self.session.active_at == self.latest
        assert self.session.expires_at - self.session.active_at == LIFETIME

    @invariant()
    def what_it_is_about_never_changes(self) -> None:
        names = ("id", "user_id", "key", "filename", "content_type", "created_at", "metadata")
        assert all(getattr(self.session, n) == getattr(PENDING, n) for n in (*names, "version"))


TestSessionMachine = SessionMachine.TestCase
