"""Events over HTTP: the feed, webhooks, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, Final

import httpx
import pytest

from tests.patience import wait_until

from .bucket import Bucket
from .service import run_command, running_service
from .upload import Upload, answer, problem, wrong_fields
from .webhook_receiver import Receiver, running_receiver

pytestmark = pytest.mark.e2e

SECRET: Final = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5YWI="
NEW_SECRET: Final = "whsec_" + "bmV3LXNlY3JldC1vZi10aGUtdGVzdHMtMDEyMzQ1Njc="


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver(SECRET) as receiver:
        yield receiver


@pytest.fixture
def settings(bucket: Bucket, receiver: Receiver) -> dict[str, str]:
    return {**bucket.settings, "WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": SECRET}


def subscribe(folder: Path, settings: dict[str, str]) -> None:
    """Have the webhook get every event, although the service does not know it yet."""
    done = run_command(folder, settings, "events", "replay", "--after", "0")
    assert done.returncode == 0, done.stderr


def start_and_complete(api: httpx.Client) -> Upload:
    upload = Upload.start(api, user_id="alice", size=5)
    upload.send(1, b"hello")
    answer(upload.complete())
    return upload


def feed(api: httpx.Client, **query: object) -> dict[str, Any]:
    return answer(api.get("/api/events", params=query))  # type: ignore[arg-type]


def wait_for_feed(api: httpx.Client, count: int) -> list[dict[str, Any]]:
    wait_until(lambda: len(feed(api)["events"]) >= count, "the events are in the feed")
    found: list[dict[str, Any]] = feed(api)["events"]
    return found


def test_feed_tells_what_happens(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings) as service, service.client() as api:
        upload = start_and_complete(api)
        answer(Upload.start(api, user_id="bob").abort())
        events = wait_for_feed(api, 4)

        assert [event["sequence"] for event in events] == [1, 2, 3, 4]
        of_alice = feed(api, user_id="alice")["events"]
        assert [event["type"] for event in of_alice] == ["upload.started", "upload.completed"]
        data = of_alice[1]["data"]
        assert data["upload_id"] == upload.started["upload_id"]
        assert (data["key"], data["size"], data["user_id"]) == (upload.key, 5, "alice")
        assert data["etag"]
        page = feed(api, after=1, limit=2)
        assert (page["events"], page["next_after"]) == (events[1:3], 3)
        assert feed(api, after=4) == {"events": [], "next_after": 4}
        assert wrong_fields(api.get("/api/events?after=-1")) == ["after"]


def test_webhook_gets_signed_events(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        start_and_complete(api)
        wait_until(lambda: len(receiver.received) == 2, "both events arrive")
        events = feed(api)["events"]

    assert receiver.types == ["upload.started", "upload.completed"]
    assert receiver.ids == [event["id"] for event in events]
    body = receiver.received[1][1]
    assert body.keys() == {"type", "timestamp", "data"}
    assert body["data"] == events[1]["data"]
    assert SECRET not in service.log


def test_events_and_quotas_work_on_mongodb(
    receiver: Receiver, settings: dict[str, str], mongo_uri: str, tmp_path: Path
) -> None:
    settings = {**settings, "MONGO_URI": mongo_uri, "QUOTA_OPEN_UPLOADS": "1"}
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        start_and_complete(api)
        start_and_complete(api)
        wait_until(lambda: len(receiver.received) == 4, "all events arrive")
        assert [event["sequence"] for event in feed(api)["events"]] == [1, 2, 3, 4]

    assert sorted(receiver.types) == ["upload.completed"] * 2 + ["upload.started"] * 2


def test_new_and_previous_secret_sign(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    rotated = {**settings, "WEBHOOK_SECRET": NEW_SECRET, "WEBHOOK_PREVIOUS_SECRET": SECRET}
    subscribe(tmp_path, rotated)
    with running_service(tmp_path, rotated) as service, service.client() as api:
        Upload.start(api)
        wait_until(lambda: receiver.received, "an event that the old secret verifies")
        receiver.secret = NEW_SECRET
        Upload.start(api)
        wait_until(lambda: len(receiver.received) == 2, "one that the new secret verifies")

    assert receiver.signatures[0].count("v1,") == 2


@pytest.mark.parametrize("status", [500, 302, 404])
def test_event_that_is_not_accepted_is_sent_again(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path, status: int
) -> None:
    receiver.status = status
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        Upload.start(api)
        wait_until(lambda: receiver.received, "the event is sent")
        receiver.status = 200
        wait_until(lambda: len(receiver.received) == 2, "it is sent again")

    assert len({*receiver.ids}) == 1


def test_requests_do_not_wait_for_a_receiver_that_hangs(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    receiver.hang = Event()
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        for _ in range(3):
            start_and_complete(api)
        wait_for_feed(api, 6)
        assert receiver.received == []


def test_process_killed_while_it_delivers_loses_nothing(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    receiver.hang = Event()
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        start_and_complete(api)
        wait_for_feed(api, 2)
        service.process.kill()
        service.process.wait()
    receiver.hang.set()
    # Also ends the lease of the process that was killed.
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings):
        wait_until(lambda: len({*receiver.ids}) == 2, "both events arrive")


def test_two_services_deliver_each_event(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    subscribe(tmp_path, settings)
    with ExitStack() as stack:
        services = [stack.enter_context(running_service(tmp_path, settings)) for _ in range(2)]
        clients = [stack.enter_context(service.client()) for service in services]
        for client in clients * 3:
            start_and_complete(client)
        wait_until(lambda: len(receiver.received) >= 12, "all events arrive")

    assert len(receiver.received) == len({*receiver.ids}) == 12


def test_gone_webhook_is_disabled_until_a_replay(
    receiver: Receiver, settings: dict[str, str], tmp_path: Path
) -> None:
    receiver.status = 410
    subscribe(tmp_path, settings)
    with running_service(tmp_path, settings) as service, service.client() as api:
        Upload.start(api)
        wait_until(lambda: "disabled since" in show_webhooks(tmp_path, settings), "it is disabled")
        receiver.status = 200
        subscribe(tmp_path, settings)
        wait_until(lambda: len(receiver.received) == 2, "the event is sent again")

    assert "answered 410" in service.log
    assert show_webhooks(tmp_path, settings).endswith("0 to retry\n")


def show_webhooks(folder: Path, settings: dict[str, str]) -> str:
    shown = run_command(folder, settings, "events", "webhooks")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_file_names_several_webhooks_and_their_events(
    bucket: Bucket, receiver: Receiver, tmp_path: Path
) -> None:
    with running_receiver(NEW_SECRET) as other:
        hooks = [
            {"url": receiver.url, "secret": SECRET, "types": ["upload.completed"]},
            {"url": other.url, "secret": NEW_SECRET},
        ]
        file = tmp_path / "webhooks.json"
        file.write_text(json.dumps(hooks))
        settings = {**bucket.settings, "WEBHOOKS_FILE": str(file)}
        subscribe(tmp_path, settings)
        with running_service(tmp_path, settings) as service, service.client() as api:
            start_and_complete(api)
            wait_until(lambda: len(other.received) == 2, "one gets all events")
            wait_until(lambda: receiver.received, "one gets the last")

    assert receiver.types == ["upload.completed"]


def test_command_lists_events(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings) as service, service.client() as api:
        start_and_complete(api)
        wait_for_feed(api, 2)
    listed = run_command(tmp_path, bucket.settings, "events", "list", "--after", "1")
    as_json = run_command(tmp_path, bucket.settings, "events", "list", "--json")

    assert listed.stdout.startswith("2  ")
    assert "upload.completed" in listed.stdout
    parsed = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert [event["sequence"] for event in parsed] == [1, 2]


WRONG: Final = {
    "plain http": ({"WEBHOOK_URL": "http://example.org/", "WEBHOOK_SECRET": SECRET}, "WEBHOOK_URL"),
    "no secret": ({"WEBHOOK_URL": "https://example.org/"}, "WEBHOOK_SECRET"),
    "no URL": ({"WEBHOOK_SECRET": SECRET}, "WEBHOOK_SECRET"),
    "short secret": (
        {"WEBHOOK_URL": "https://example.org/", "WEBHOOK_SECRET": "whsec_c2hvcnQ="},
        "WEBHOOK_SECRET",
    ),
    "missing file": ({"WEBHOOKS_FILE": "missing.json"}, "WEBHOOKS_FILE"),
}


@pytest.mark.parametrize(("wrong", "name"), WRONG.values(), ids=WRONG.keys())
def test_wrong_settings_end_the_start(
    bucket: Bucket, tmp_path: Path, wrong: dict[str, str], name: str
) -> None:
    done = run_command(tmp_path, {**bucket.settings, **wrong}, "serve", "--port", "0")

    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {name}")
    assert "c2hvcnQ" not in done.stderr


def test_upload_token_sees_no_events(bucket: Bucket, tmp_path: Path) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    settings = {**bucket.settings, "AUTH": "token", "UPLOAD_TOKEN_SECRET": secret}
    made = run_command(tmp_path, settings, "tokens", "create", "--user", "alice")
    token = {"Authorization": f"Bearer {made.stdout.strip()}"}
    with running_service(tmp_path, settings) as service, service.client(**token) as api:
        problem(api.get("/api/events"), 403, "user-not-allowed")
