"""The sweep aborts orphaned store uploads and reports unknown ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from multipart_upload.application.leases import new_lease
from multipart_upload.application.ports import NewObject, OpenedUpload, UploadPage
from multipart_upload.application.sweep.sweep_store import MAX_PAGES
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.domain.object_key import object_key, upload_id_in
from multipart_upload.domain.session import Lease, UploadSession
from multipart_upload.testing.contract.sample_sessions import sample_session

from .proxies import StoreProxy
from .service import BODY, IMPATIENT, T0, Service, SettableClock, reference_to

TEMPLATE: Final = sample_session("u1", created_at=T0)
STRANGE_KEYS: Final = ("file", "ada/file", "backup/0f0c/film.mov", "ada//film.mov", "/", "")


async def open_upload(service: Service, key: str, upload_id: str = "x") -> str:
    new = NewObject(key=key, upload_id=upload_id, filename="f", content_type="text/plain")
    return (await service.bucket.create_upload(new)).store_upload_id


async def list_keys(service: Service) -> list[str]:
    page = await service.bucket.scan_uploads("")
    return [upload.key for upload in page.uploads]


async def end_session(service: Service, how: str) -> UploadSession:
    session = await service.upload_whole()
    return await getattr(service, how)(reference_to(session))  # type: ignore[no-any-return]


@pytest.mark.parametrize("how", ["complete", "abort"])
async def test_store_upload_of_an_ended_session_is_aborted_after_the_grace_period(
    service: Service, clock: SettableClock, how: str
) -> None:
    session = await end_session(service, how)
    await open_upload(service, session.key)
    clock.time += service.policy.grace
    assert (await service.sweep()).scan.orphaned_uploads == []
    clock.advance(seconds=1)
    assert (await service.sweep(dry_run=True)).scan.orphaned_uploads == [session.key]
    assert await list_keys(service) == [session.key]
    assert (await service.sweep()).scan.orphaned_uploads == [session.key]
    assert await list_keys(service) == []
    assert (await service.reload(session)) == session


async def test_second_store_upload_of_a_session_is_aborted(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    await open_upload(service, session.key)
    clock.advance(hours=1)
    assert (await service.sweep()).scan.orphaned_uploads == [session.key]
    (left,) = await service.bucket.list_uploads(session.key)
    assert left.store_upload_id == session.store_upload_id
    await service.complete(reference_to(session))


async def test_store_upload_of_a_lost_session_is_aborted(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await service.status(reference_to(session))
    await open_upload(service, session.key)
    clock.advance(hours=1)
    assert (await service.sweep()).scan.orphaned_uploads == [session.key]
    signed = await service.sign(reference_to(session), 1)
    await service.bucket.put(signed, BODY)


async def test_store_upload_is_kept_while_a_lost_session_is_being_reopened(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await service.status(reference_to(session))
    lost = await service.reload(session)
    lease = Lease("opener", clock.now() + service.policy.grace + service.policy.lease)
    await service.sessions.save(lost.opening(lease, clock.now()))
    await open_upload(service, session.key)
    clock.time = lease.deadline - timedelta(milliseconds=1)
    assert (await service.sweep()).scan.orphaned_uploads == []
    clock.time = lease.deadline
    assert (await service.sweep()).scan.orphaned_uploads == [session.key]


async def test_open_uploads_of_open_sessions_are_kept(
    service: Service, clock: SettableClock
) -> None:
    sessions = [await service.start_session(), await service.upload_whole()]
    clock.advance(days=6)
    report = await service.sweep()
    assert (report.scan.orphaned_uploads, report.scan.unknown_uploads, report.has_findings) == (
        [],
        [],
        False,
    )
    assert sorted(await list_keys(service)) == sorted(session.key for session in sessions)


@pytest.mark.parametrize("key", STRANGE_KEYS)
async def test_unknown_uploads_are_reported_and_never_aborted(
    service: Service, clock: SettableClock, key: str
) -> None:
    await open_upload(service, key)
    opened_at = clock.now()
    clock.advance(days=365)
    scan = (await service.sweep()).scan
    assert [(upload.key, upload.initiated_at) for upload in scan.unknown_uploads] == [
        (key, opened_at)
    ]
    assert await list_keys(service) == [key]


async def test_key_that_only_contains_a_session_id_is_unknown(
    service: Service, clock: SettableClock
) -> None:
    session = await end_session(service, "abort")
    key = f"backup/{session.id}/film.mov"
    await open_upload(service, key, session.id)
    clock.advance(hours=1)
    scan = (await service.sweep()).scan
    assert (scan.orphaned_uploads, [upload.key for upload in scan.unknown_uploads]) == ([], [key])
    assert await list_keys(service) == [key]


async def test_only_uploads_under_the_prefix_are_scanned(
    service: Service, clock: SettableClock
) -> None:
    await open_upload(service, "elsewhere/1/f")
    await open_upload(service, "in/ada/1/f")
    clock.advance(hours=1)
    ours = replace(service, policy=replace(IMPATIENT, key_prefix="in/"))
    assert [upload.key for upload in (await ours.sweep()).scan.unknown_uploads] == ["in/ada/1/f"]


async def test_orphaned_uploads_are_found_in_every_shard(
    service: Service, clock: SettableClock
) -> None:
    sharded = replace(service, policy=replace(IMPATIENT, key_prefix="in/{shard}/"))
    sessions = [await end_session(sharded, "abort") for _ in range(5)]
    for session in sessions:
        await open_upload(sharded, session.key)
    clock.advance(hours=1)
    scan = (await sharded.sweep()).scan
    assert sorted(scan.orphaned_uploads) == sorted(session.key for session in sessions)


async def test_store_upload_of_a_pending_session_ends_with_the_session(
    service: Service, clock: SettableClock
) -> None:
    class OpensAndDies(StoreProxy):
        async def create_upload(self, new: NewObject) -> OpenedUpload:
            await super().create_upload(new)
            raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        await replace(service, store=OpensAndDies(service.store)).start_session()
    clock.advance(hours=1)
    report = await service.sweep()
    assert len(report.swept) == 1
    assert report.scan.orphaned_uploads == []
    assert await list_keys(service) == []


async def test_upload_being_opened_by_another_caller_is_kept(
    service: Service, clock: SettableClock
) -> None:
    lease = await new_lease(service.sessions, timedelta(days=1))
    session = replace(TEMPLATE, active_at=lease.now).opening(lease.terms, lease.now)
    await service.sessions.add(session)
    await open_upload(service, session.key)
    clock.advance(hours=1)
    report = await service.sweep()
    assert (report.swept, report.scan.orphaned_uploads, report.scan.unknown_uploads) == ([], [], [])


async def test_failed_scan_is_reported_and_sessions_are_still_swept(
    service: Service, clock: SettableClock
) -> None:
    class ListsNothing(StoreProxy):
        async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
            del prefix, after
            raise StoreUnavailableError

    await service.upload_whole()
    clock.advance(days=8)
    report = await replace(service, store=ListsNothing(service.store)).sweep()
    assert len(report.swept) == 1
    assert (report.scan.is_complete, report.is_complete, report.has_findings) == (
        False,
        False,
        True,
    )


async def test_pass_scans_a_limited_number_of_pages_and_the_next_continues(
    service: Service, clock: SettableClock
) -> None:
    class SmallPages(StoreProxy):
        """Returns one upload per page."""

        async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
            page = await super().scan_uploads(prefix, after)
            first = page.uploads[:1]
            return UploadPage(first, first[0].key if len(page.uploads) > 1 else None)

    for n in range(MAX_PAGES + 5):
        await open_upload(service, f"strays/{n:03}/f")
    clock.advance(hours=1)
    small = replace(service, store=SmallPages(service.store))
    first = await small.sweep()
    assert len(first.scan.unknown_uploads) == MAX_PAGES
    assert first.next_position is not None
    second = await small.sweep(position=first.next_position)
    assert [upload.key for upload in second.scan.unknown_uploads] == [
        f"strays/{n:03}/f" for n in range(MAX_PAGES, MAX_PAGES + 5)
    ]
    assert second.next_position is None


@pytest.mark.parametrize("user_id", ["ada", "a/b", "..", "é"])
@pytest.mark.parametrize("prefix", ["", "in/", "a/b/c/", "no-slash"])
def test_upload_id_is_parsed_from_every_generated_key(prefix: str, user_id: str) -> None:
    assert upload_id_in(object_key(prefix, user_id, "0f0c", "9f", "a/b\\film.mov")) == "0f0c"


def test_upload_id_is_parsed_from_a_key_without_a_nonce() -> None:
    assert upload_id_in("in/ada/0f0c/film.v2.mov") == "0f0c"
