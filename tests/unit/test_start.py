"""Starting an upload: first the row, then the object store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.application.ports import (
    ForwardingRepository,
    NewObject,
    OpenedUpload,
    SessionQuery,
)
from multipart_upload.domain.errors import (
    RepositoryUnavailableError,
    StaleSessionError,
    StoreUnavailableError,
)
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .faults import CountingStore, SaveAnswerLost, StoreAnswersLost, UnavailableStore
from .proxies import StoreProxy
from .service import MIB, T0, Service, new_upload


async def list_sessions_of_ada(service: Service) -> list[UploadSession]:
    return list((await service.list_sessions(SessionQuery(user_id="ada"))).sessions)


async def test_started_upload_exists_in_the_repository_and_the_store(
    service: Service,
) -> None:
    session = await service.start_session()
    assert session.state is SessionState.INITIATED
    assert await service.reload(session) == session
    opened = await service.bucket.list_uploads(session.key)
    assert [upload.store_upload_id for upload in opened] == [session.store_upload_id]


async def test_session_and_store_upload_have_the_declared_values(service: Service) -> None:
    store = CountingStore(service.store)
    session = await replace(service, store=store).start(
        new_upload(filename="../Ünï.mov", size=17 * MIB, metadata={"colour": "red"})
    )
    assert (session.user_id, session.filename) == ("ada", "../Ünï.mov")
    assert session.metadata == {"colour": "red"}
    assert session.plan == PartPlan.for_size(17 * MIB, CAPABILITIES)
    assert store.created == [
        NewObject(
            key=session.key,
            upload_id=session.id,
            nonce=session.nonce,
            filename="../Ünï.mov",
            content_type="video/quicktime",
            metadata={"colour": "red"},
        )
    ]


async def test_policy_sets_the_prefix_limit_and_expiry(service: Service) -> None:
    policy = UploadPolicy(key_prefix="in/", expiry=timedelta(days=2))
    session = await replace(service, policy=policy).start_session()
    assert session.key == f"in/ada/{session.id}.{session.nonce}/film.mov"
    assert (session.created_at, session.active_at) == (T0, T0)
    assert session.expires_at == T0 + timedelta(days=2)


async def test_uploads_of_one_file_have_different_ids_and_keys(service: Service) -> None:
    started = [await service.start_session() for _ in range(20)]
    assert len({session.id for session in started}) == 20
    assert len({session.key for session in started}) == 20


async def test_content_type_defaults_to_octet_stream(service: Service) -> None:
    session = await service.start(new_upload(content_type=""))
    assert session.content_type == "application/octet-stream"


async def test_a_media_type_is_stored_without_tabs(service: Service) -> None:
    session = await service.start(new_upload(content_type="text/plain\t;charset=utf-8"))
    assert session.content_type == "text/plain ;charset=utf-8"


async def test_a_file_without_a_size_has_no_plan(service: Service) -> None:
    assert (await service.start_session(size=None)).plan is None


async def test_an_empty_file_has_one_part(service: Service) -> None:
    plan = (await service.start_session(size=0)).plan
    assert plan is not None
    assert (plan.part_count, plan.size_of(1)) == (1, 0)


async def test_row_exists_before_the_store_is_called(service: Service) -> None:
    found: list[UploadSession] = []

    class ReadsRow(StoreProxy):
        async def create_upload(self, new: NewObject) -> OpenedUpload:
            found.append(await service.sessions.get(new.upload_id))
            return await super().create_upload(new)

    session = await replace(service, store=ReadsRow(service.store)).start_session()
    assert [(row.id, row.state) for row in found] == [(session.id, SessionState.PENDING)]


@pytest.mark.parametrize(("fault", "left_open"), [(UnavailableStore, 0), (StoreAnswersLost, 1)])
async def test_store_failure_leaves_a_pending_row_that_identifies_its_upload(
    service: Service, fault: type[StoreProxy], left_open: int
) -> None:
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=fault(service.store)).start_session(size=5)
    (row,) = await list_sessions_of_ada(service)
    assert (row.state, row.store_upload_id) == (SessionState.PENDING, None)
    assert row.plan == PartPlan.for_size(5, CAPABILITIES)
    assert len(await service.bucket.list_uploads(row.key)) == left_open


async def test_store_is_not_called_without_a_row(service: Service) -> None:
    class AddFails(ForwardingRepository):
        async def add(self, *_: object, **__: object) -> None:
            raise RepositoryUnavailableError

    store = CountingStore(service.store)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=AddFails(service.sessions), store=store).start_session()
    assert store.created == []


async def test_save_with_a_lost_answer_is_recognised_as_our_own(
    service: Service,
) -> None:
    # A driver that retries a write after a lost answer finds its own new version.
    sessions = SaveAnswerLost(service.sessions, SessionState.INITIATED, StaleSessionError)
    session = await replace(service, sessions=sessions).start_session()
    assert session.state is SessionState.INITIATED
    assert await service.reload(session) == session
    await service.upload(session)


async def test_row_changed_by_another_caller_is_not_recognised_as_our_own(service: Service) -> None:
    class Overtaken(ForwardingRepository):
        async def save(self, session: UploadSession) -> UploadSession:
            await super().save(replace(session, store_upload_id="another's"))
            return await super().save(session)

    with pytest.raises(StaleSessionError):
        await replace(service, sessions=Overtaken(service.sessions)).start_session()


async def test_row_stays_pending_when_its_save_fails(service: Service) -> None:
    class SaveFails(ForwardingRepository):
        async def save(self, *_: object, **__: object) -> UploadSession:
            raise RepositoryUnavailableError

    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=SaveFails(service.sessions)).start_session()
    (row,) = await list_sessions_of_ada(service)
    assert row.state is SessionState.PENDING
    assert len(await service.bucket.list_uploads(row.key)) == 1


async def test_metadata_is_copied_from_the_caller(service: Service) -> None:
    metadata = {"colour": "red"}
    store = CountingStore(service.store)
    session = await replace(service, store=store).start(new_upload(metadata=metadata))
    metadata["colour"] = "blue"
    assert session.metadata == store.created[0].metadata == {"colour": "red"}
