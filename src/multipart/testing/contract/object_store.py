"""The promises of the object store port, for adapters inside and outside this project.

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
class MultipartStoreContract(PartUploadingContract, UploadEndingContract):
    """The suite for a store without forms; a subclass provides the fixtures `store` and `put`.

    `store` is open and its bucket is empty. `put` sends bytes to a signed URL with the headers
    that the URL requires, and returns the ETag header of the response, "" if there is none.
    The suite tests promises that every S3 server keeps. The port does not promise that signatures
    are checked.
    """

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Provide the store under test."""
        raise NotImplementedError

    @pytest.fixture
    def put(self) -> Put:
        """Provide a client that sends parts to the store."""
        raise NotImplementedError

    async def test_check_succeeds_while_the_store_is_open(self, store: ObjectStore) -> None:
        await store.check()


class ObjectStoreContract(MultipartStoreContract, SingleUploadingContract):
    """The whole suite; a subclass also provides the fixture `post`, which sends a form."""

    @pytest.fixture
    def post(self) -> Post:
        """Provide a client that posts forms to the store."""
        raise NotImplementedError
