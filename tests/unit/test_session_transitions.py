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

from multipart_upload.domain.errors import LeaseHeldError, TransitionError
from multipart_upload.domain.model import Lease, SessionState, StoredObject, UploadSession

T0: Final = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME: Final = timedelta(days=1)
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
    ("pending", "initiated"): "initiated",
    ("pending", "expiring"): "aborting",
    ("initiated", "part_recorded"): "in-progress",
    ("initiated", "aborting"): "aborting",
    ("initiated", "expiring"): "aborting",
    ("in-progress", "part_recorded"): "in-progress",
    ("in-progress", "completing"): "completing",
    ("in-progress", "aborting"): "aborting",
    ("in-progress", "expiring"): "aborting",
    ("completing", "completing"): "completing",
    ("completing", "completion_refused"): "in-progress",
    ("completing", "completed"): "completed",
    ("completing", "lease_released"): "completing",
    ("aborting", "aborting"): "aborting",
    ("aborting", "expiring"): "aborting",
    ("aborting", "lease_released"): "aborting",
    ("aborting", "ended"): "as it was begun",
}
TERMINAL: Final = ("completed", "aborted", "expired")
STATES: Final = ("pending", "initiated", "in-progress", "completing", "aborting", *TERMINAL)
CLAIMED: Final = ("completing", "aborting")
CLAIMS: Final = ("completing", "aborting", "expiring")
ENDING: Final = {"aborting": "aborted", "expiring": "expired"}

# Left to chance alone, most runs would end before anything is completed.
ONWARD: Final = ("initiated", "part_recorded", "completing")

Action = Callable[[UploadSession, Lease, datetime], UploadSession]
ACTIONS: Final[Mapping[str, Action]] = {
    "initiated": lambda session, _lease, now: session.initiated("s3-id", now),
    "part_recorded": lambda session, _lease, now: session.part_recorded(now),
    "completing": lambda session, lease, now: session.completing(lease, now),
    "completion_refused": lambda session, _lease, now: session.completion_refused(now),
    "completed": lambda session, _lease, now: session.completed(RESULT, now),
    "aborting": lambda session, lease, now: session.aborting(lease, now),
    "expiring": lambda session, lease, now: session.expiring(lease, now),
    "ended": lambda session, _lease, now: session.ended(now),
    "lease_released": lambda session, _lease, _now: session.lease_released(),
}

# How each state is reached, by every way that differs in what it leaves behind.
WAYS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("initiated",),
    ("initiated", "part_recorded"),
    ("initiated", "part_recorded", "completing"),
    ("initiated", "part_recorded", "completing", "completion_refused"),
    ("initiated", "part_recorded", "completing", "completed"),
    ("expiring",),
    ("expiring", "ended"),
    ("initiated", "aborting"),
    ("initiated", "expiring"),
    ("initiated", "part_recorded", "aborting"),
    ("initiated", "part_recorded", "aborting", "ended"),
    ("initiated", "part_recorded", "expiring"),
    ("initiated", "part_recorded", "expiring", "ended"),
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


def test_the_states_are_spelled_as_on_the_wire() -> None:
    assert tuple(map(str, sorted(SessionState, key=STATES.index))) == STATES


def test_the_table_names_every_transition_of_the_model() -> None:
    methods = {name for name, _ in inspect.getmembers(UploadSession, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    assert public - {"require_open", "stored"} == set(ACTIONS)
    assert {action for _, action in NEXT} == set(ACTIONS)


def test_the_ways_reach_every_state() -> None:
    assert {after(way).state for way in WAYS} == set(STATES)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_session_carries_what_its_state_needs_and_no_more(way: tuple[str, ...]) -> None:
    session = after(way)
    assert session.lease == (FIRST if session.state in CLAIMED else None)
    assert session.result == (RESULT if session.state == "completed" else None)
    assert session.store_upload_id == ("s3-id" if "initiated" in way else None)


@pytest.mark.parametrize(("way", "action"), list(product(WAYS, ACTIONS)), ids=str)
def test_every_action_in_every_state_is_the_documented_step_or_refused(
    way: tuple[str, ...], action: str
) -> None:
    session = after(way)
    expected = NEXT.get((session.state, action))
    if expected is None:
        with pytest.raises(TransitionError) as refusal:
            ACTIONS[action](session, SECOND, AFTER)
        assert refusal.value.facts == {"status": session.state}
        assert f"an upload that is {session.state}." in str(refusal.value)
    else:
        done = ACTIONS[action](session, SECOND, AFTER)
        assert done.state == (begun_as(way) if action == "ended" else expected)
    assert session == after(way)


@pytest.mark.parametrize(("state", "action"), list(product(CLAIMED, CLAIMS)))
def test_a_live_lease_keeps_everybody_else_out(state: str, action: str) -> None:
    for session in (after(way) for way in WAYS if after(way).state == state):
        error = LeaseHeldError if (state, action) in NEXT else TransitionError
        with pytest.raises(error) as refusal:
            ACTIONS[action](session, SECOND, DURING)
        assert refusal.value.facts == {"status": state}
        if isinstance(refusal.value, LeaseHeldError):
            assert refusal.value.retry_after == 1.0


@pytest.mark.parametrize(("state", "action"), [("completing",) * 2, *product(["aborting"], ENDING)])
def test_at_its_deadline_or_once_released_a_lease_may_be_taken_over(
    state: str, action: str
) -> None:
    for session in (after(way) for way in WAYS if after(way).state == state):
        assert session.lease == FIRST
        for free, now in ((session, AFTER), (session.lease_released(), DURING)):
            assert ACTIONS[action](free, SECOND, now).lease == SECOND


def test_who_takes_over_an_abort_ends_it_as_it_was_begun() -> None:
    begun_by_client = after(("initiated", "aborting")).expiring(SECOND, AFTER)
    begun_by_sweep = after(("initiated", "expiring")).aborting(SECOND, AFTER)
    assert begun_by_client.ended(AFTER).state == "aborted"
    assert begun_by_sweep.ended(AFTER).state == "expired"


def test_an_abort_that_nobody_began_has_no_end() -> None:
    with pytest.raises(TransitionError):
        replace(PENDING, state=SessionState.ABORTING).ended(AFTER)


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

    @rule(seconds=st.integers(-60, 600))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(action=st.sampled_from((*ACTIONS, *ONWARD * 3)), seconds=st.integers(1, 300))
    def act(self, action: str, seconds: int) -> None:
        lease = Lease(f"{action} at {self.now}", self.now + timedelta(seconds=seconds))
        expected = NEXT.get((self.state, action))
        if expected is None:
            self._is_refused(action, lease)
        elif action in CLAIMS and self.lease is not None and self.now < self.lease.deadline:
            self._has_to_wait(action, lease, self.lease.deadline)
        else:
            self._moves(action, lease, expected)

    def _is_refused(self, action: str, lease: Lease) -> None:
        before = self.session
        with pytest.raises(TransitionError):
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
        self.lease = lease if action in CLAIMS else None
        self.latest = max(self.latest, self.session.active_at)

    @invariant()
    def it_is_in_the_state_of_the_table(self) -> None:
        assert self.session.state == self.state

    @invariant()
    def only_a_claimed_session_has_a_lease(self) -> None:
        assert self.session.lease == self.lease
        assert self.lease is None or self.state in CLAIMED

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
