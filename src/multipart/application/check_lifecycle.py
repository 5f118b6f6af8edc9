"""Compare the store's own rule for open uploads with ours."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.object_key import common_prefix
from ..domain.policy import UploadPolicy
from .ports import ObjectStore


@dataclass(frozen=True, slots=True)
class CheckLifecycle:
    """Tell in a sentence what is wrong with the bucket's rule, None if nothing is.

    Raise StoreUnavailableError where the store cannot tell, StoreRefusedError where it may not.
    """

    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self) -> str | None:
        life = await self.store.abort_rule(common_prefix(self.policy.key_prefix))
        if life is None:
            return (
                "The bucket has no lifecycle rule with AbortIncompleteMultipartUpload: parts that "
                "the sweep cannot reach are kept, and paid for, for ever."
            )
        if life < self.policy.expiry:
            return (
                f"The bucket's lifecycle rule aborts uploads after {life.days} days, sooner than "
                f"UPLOAD_EXPIRY_SECONDS ({self.policy.expiry}): longer uploads lose their parts."
            )
        return None
