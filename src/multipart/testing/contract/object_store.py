"""The promises of the object store port, for adapters of this project and of others.

class TestMyObjectStore(ObjectStoreContract):
    @pytest_asyncio.fixture
    async def store(self) -> AsyncIterator[ObjectStore]:
        async with open_my_store(...) as store:
            yield store

    @pytest.fixture
    def put(self) -> Put:
        return put_with_my_http_client

    @pytest.fixture
    def post(self) -> Post:
        return post_with_my_http_client
"""

from __future__ import annotations

import pytest

from ...application.ports import ObjectStore
from .part_uploading import PartUploadingContract
from .sample_uploads import Post, Put
from .single_uploading import SingleUploadingContract
from .upload_ending import UploadEndingContract


@pytest.mark.asyncio
class ObjectStoreContract(PartUploadingContract, SingleUploadingContract, UploadEndingContract):
    """A subclass provides the fixtures `store`, `put` and `post`.

    `store` is open and its bucket is empty; `put` sends bytes on a signed URL with the headers
    that the URL demands, and returns the answer's ETag header; `post` sends a form.
    What is asked of the store are the promises that every S3 keeps; that it checks signatures is
    beyond the port.
    """

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Provide the store to try."""
        raise NotImplementedError

    @pytest.fixture
    def put(self) -> Put:
        """Provide a client that uploads to it."""
        raise NotImplementedError

    @pytest.fixture
    def post(self) -> Post:
        """Provide a client that sends forms to it."""
        raise NotImplementedError

    async def test_an_open_store_answers(self, store: ObjectStore) -> None:
        await store.check()
