"""Compare the bucket's own rule for open uploads with the policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ..domain.object_key import common_prefix
from ..domain.policy import UploadPolicy
from .ports import ObjectStore


@dataclass(frozen=True, slots=True)
class LifecycleProblem:
    """The bucket's rule does not fit the policy.

    The bucket aborts uploads `abort_after` their start, None for never; the service expires them
    after `expiry`.
    """

    abort_after: timedelta | None
    expiry: timedelta


@dataclass(frozen=True, slots=True)
class CheckLifecycle:
    """Return the problem with the bucket's rule; None if it aborts uploads, but not too early.

    Raise StoreUnavailableError if the store does not answer or does not support lifecycle rules,
    and StoreRefusedError if it refuses to return them.
    """

    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self) -> LifecycleProblem | None:
        abort_after = await self.store.find_abort_age(common_prefix(self.policy.key_prefix))
        if abort_after is None or abort_after < self.policy.expiry:
            return LifecycleProblem(abort_after, self.policy.expiry)
        return None
