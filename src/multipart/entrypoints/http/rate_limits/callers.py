"""Names of the callers for which a request counts."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from litestar.types import Scope

from ..principal import find_principal

_IPV6_NETWORK_BITS: Final = 64
_UNKNOWN: Final = "unknown"


def name_callers(scope: Scope) -> list[str]:
    """Return the authenticated user of a request, if any, and the address that it comes from."""
    address = scope.get("client")
    names = [f"address:{_name_address(address[0] if address else '')}"]
    principal = find_principal(scope)
    if principal is not None and principal.user_id is not None:
        names.append(f"user:{principal.user_id}")
    return names


def _name_address(text: str) -> str:
    """Return an IPv4 address, or the network of an IPv6 address, which belongs to one client."""
    try:
        address = ip_address(text)
    except ValueError:  # a Unix socket, or a proxy that forwards something else
        return _UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, _IPV6_NETWORK_BITS), strict=False))
