"""Types of settings and the rules for their values."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, Final

from pydantic import AfterValidator, SecretStr, ValidationInfo

DAY: Final = 24 * 3600
TEN_YEARS: Final = 3650 * DAY
_ORIGIN: Final = r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"
# A token of RFC 9110 5.6.2.
HEADER_NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"


def matching(pattern: str, rule: str) -> AfterValidator:
    """Require text that matches all of a pattern; `rule` is the error message."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def require_for_store(store: str, value: Any, info: ValidationInfo) -> None:
    """Require a value if OBJECT_STORE names this store. Raise ValueError."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if info.data.get("object_store") == store and not text:
        msg = "is required"
        raise ValueError(msg)


def check_origins(text: str) -> str:
    """Require origins separated by commas, or * alone."""
    for origin in split_list(text):
        if origin != "*" and not re.fullmatch(_ORIGIN, origin):
            msg = (
                f"{origin!r} is neither * alone nor an origin such as https://app.example.org, "
                "which has no path and no * in it"
            )
            raise ValueError(msg)
    return text


def check_header_names(text: str) -> str:
    """Require names of headers separated by commas."""
    for name in split_list(text):
        if not re.fullmatch(HEADER_NAME, name):
            msg = f"{name!r} is not the name of a header"
            raise ValueError(msg)
    return text


Endpoint = Annotated[
    str,
    matching(_ORIGIN + r"(/[^\s?#]*)?", "must be of the form http://host:port or https://host"),
]


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is the machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def split_list(text: str) -> list[str]:
    """Split a list that is separated by commas."""
    return [item.strip() for item in text.split(",") if item.strip()]
