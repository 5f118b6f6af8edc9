"""The port for the store of quotas."""

from __future__ import annotations

from typing import Protocol

from ...domain.quota import QuotaLimits, Reservation, UserQuota


class QuotaRepository(Protocol):
    """Stores what each user has reserved.

    Every method raises RepositoryUnavailableError if there is no answer; a change may then have
    happened or not.
    """

    async def reserve(self, reservation: Reservation, limits: QuotaLimits) -> Reservation:
        """Add a reservation, and return it or the one that its upload id has already.

        Of any number of concurrent calls, none makes the usage exceed the limits. Raise
        QuotaExceededError.
        """
        ...

    async def settle(self, user_id: str, upload_id: str, stored_bytes: int) -> bool:
        """Remove a reservation, of which these bytes were stored. Return whether there was one."""
        ...

    async def get(self, user_id: str) -> UserQuota:
        """Read what a user has; an unknown user has nothing."""
        ...

    async def list_users(self, limit: int, after: str | None = None) -> list[UserQuota]:
        """Read users who have reservations, in an order of the repository's.

        `after` is the last user id of the previous page.
        """
        ...
