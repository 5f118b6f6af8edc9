"""Sign a form for a file that is sent in one request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from ..domain.errors import SingleUploadsUnsupportedError
from ..domain.object_key import new_nonce, object_key
from ..domain.policy import UploadPolicy
from ..domain.validation import require_start
from .new_upload import NewUpload
from .ports import NewObject, ObjectStore, SignedPost


@dataclass(frozen=True, slots=True)
class SignSingleUpload:
    """Sign a form on which a client sends a whole file, under a new key.

    There is no session: the store takes the whole file or nothing, the client reports nothing, and
    neither lists nor the sweep include it. Raise InvalidFieldError, and
    SingleUploadsUnsupportedError if the store has no forms.
    """

    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, new: NewUpload) -> SignedPost:
        require_start(new.user_id, new.filename, new.content_type, new.metadata)
        self.policy.limits.require(new.stored_type, new.stored_filename)
        max_single_size = self.store.capabilities.max_single_size
        if max_single_size is None:
            raise SingleUploadsUnsupportedError
        upload_id, nonce = uuid4().hex, new_nonce()
        return await self.store.sign_post(
            NewObject(
                key=object_key(self.policy.key_prefix, new.user_id, upload_id, nonce, new.filename),
                upload_id=upload_id,
                nonce=nonce,
                filename=new.stored_filename,
                content_type=new.stored_type,
                metadata=new.metadata,
            ),
            max_size=min(self.policy.max_size, max_single_size),
            expires_in=self.policy.url_lifetime,
        )
