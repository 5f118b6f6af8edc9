"""Users that a trusted proxy names in a header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from litestar.types import Scope

from ....domain.errors import InvalidCredentialsError
from ....domain.validation import is_user_id
from .peer import peer_of

Network = IPv4Network | IPv6Network
_MAPPED_TO_IPV6: Final = "::ffff:"


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """The header, and the networks of the proxies that set it."""

    name: str
    networks: Sequence[Network]

    def read_user(self, scope: Scope) -> str | None:
        """Return the user that the proxy names; None without the header or from another address.

        Raise InvalidCredentialsError for a value that is no user id. Of two headers, the client
        may have sent one: they are refused, too.
        """
        name = self.name.lower().encode()
        sent = [value for key, value in scope["headers"] if key == name]
        if not sent or not self._trusts(peer_of(scope)):
            return None
        if len(sent) > 1 or not is_user_id(user_id := _decode(sent[0])):
            raise InvalidCredentialsError
        return user_id

    def _trusts(self, peer: str | None) -> bool:
        try:
            address = ip_address((peer or "").removeprefix(_MAPPED_TO_IPV6))
        except ValueError:  # a Unix socket, or a test without a network
            return False
        return any(address in network for network in self.networks)


def _decode(value: bytes) -> str:
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        raise InvalidCredentialsError from None
