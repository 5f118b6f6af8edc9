"""Single uploads: one file in one form request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.application.ports import NewObject, SessionQuery, SignedPost
from multipart_upload.domain.errors import InvalidFieldError
from multipart_upload.domain.limits import GIB
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .proxies import StoreProxy
from .service import T0, Service, new_upload


class RecordingStore(StoreProxy):
    """Records what it was asked to sign."""

    asked: tuple[NewObject, int]

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        self.asked = (new, max_size)
        return await super().sign_post(new, max_size=max_size, expires_in=expires_in)


async def test_posted_file_becomes_an_object_with_its_own_key(service: Service) -> None:
    first, second = [await service.sign_single(new_upload()) for _ in range(2)]

    assert await service.bucket.post(first, b"hello")
    assert await service.bucket.post(second, b"hello")

    assert len(service.bucket.objects) == 2
    assert all(key.startswith("ada/") for key in service.bucket.objects)
    assert first.expires_at == T0 + service.policy.url_lifetime


@pytest.mark.parametrize(
    ("max_size", "signed"),
    [(10, 10), (50 * GIB, CAPABILITIES.max_single_size)],
    ids=["the operator's", "S3's"],
)
async def test_form_applies_the_smaller_limit(service: Service, max_size: int, signed: int) -> None:
    store = RecordingStore(service.bucket)
    limited = replace(service, store=store, policy=UploadPolicy(max_size=max_size))

    await limited.sign_single(new_upload(content_type=""))

    new, limit = store.asked
    assert (limit, new.content_type) == (signed, "application/octet-stream")


async def test_single_upload_creates_no_session(service: Service) -> None:
    signed = await service.sign_single(new_upload())
    await service.bucket.post(signed, b"hello")

    assert (await service.list_sessions(SessionQuery(user_id="ada"))).sessions == []
    assert not (await service.sweep()).has_findings


async def test_single_upload_refuses_the_same_input_as_start(service: Service) -> None:
    with pytest.raises(InvalidFieldError, match="content_type"):
        await service.sign_single(new_upload(content_type="nonsense"))
