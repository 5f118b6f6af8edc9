"""Sign a form for a file that is sent in one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from ..domain.errors import SingleUploadsUnsupportedError
from ..domain.object_key import new_nonce, object_key
from ..domain.policy import UploadPolicy
from ..domain.rate_limit import Unit
from .new_upload import NewUpload
from .ports import NewObject, ObjectStore, SignedPost, UsageMeter

_UNCOUNTED: Final = (
    "The upload token limits the number of uploads, which are counted only if files are sent in "
    "parts: set Uppy's option shouldUseMultipart to true."
)
_NOT_IN_QUOTAS: Final = (
    "This service has quotas, in which only files that are sent in parts are counted: set Uppy's "
    "option shouldUseMultipart to true."
)


@dataclass(frozen=True, slots=True)
class SignSingleUpload:
    """Sign a form on which a client sends a whole file, under a new key.

    There is no session: the store takes the whole file or nothing, the client reports nothing, and
    neither lists nor the sweep include it. Raise InvalidFieldError, and
    SingleUploadsUnsupportedError if the store has no forms, if an upload token counts uploads, or
    if there are quotas. With a meter, raise RateLimitedError.
    """

    store: ObjectStore
    policy: UploadPolicy
    meter: UsageMeter | None = None

    async def __call__(self, new: NewUpload) -> SignedPost:
        new.require_allowed(self.policy)
        if new.token is not None and new.token.max_uploads is not None:
            raise SingleUploadsUnsupportedError(_UNCOUNTED)
        if self.policy.quotas is not None:
            raise SingleUploadsUnsupportedError(_NOT_IN_QUOTAS)
        max_single_size = self.store.capabilities.max_single_size
        if max_single_size is None:
            raise SingleUploadsUnsupportedError
        if self.meter is not None:
            await self.meter.count({Unit.STARTS: 1, Unit.URLS: 1})
        upload_id, nonce = uuid4().hex, new_nonce()
        prefix = new.key_prefix(self.policy)
        return await self.store.sign_post(
            NewObject(
                key=object_key(prefix, new.user_id, upload_id, nonce, new.filename),
                upload_id=upload_id,
                nonce=nonce,
                filename=new.stored_filename,
                content_type=new.stored_type,
                metadata=new.stored_metadata,
            ),
            max_size=min(new.size_limit(self.policy), max_single_size),
            expires_in=self.policy.url_lifetime,
        )
