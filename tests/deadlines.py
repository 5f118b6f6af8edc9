"""Adapters that have time: what they store is tried apart from how soon they answer.

On a busy machine the stand-ins for MongoDB and S3 may need longer than an adapter gives them. The
service itself, and the tests marked `deadlines`, keep the adapters' own deadlines.
"""

from __future__ import annotations

import sys

import pytest

from multipart_upload.adapters.s3.client import open_client

from .patience import PATIENCE_SECONDS

_ADAPTERS = "multipart_upload.adapters."


@pytest.fixture(autouse=True)
def _unhurried_adapters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prolong every deadline of the adapters."""
    if request.node.get_closest_marker("deadlines"):
        return
    for module in [sys.modules[name] for name in sys.modules if name.startswith(_ADAPTERS)]:
        for name, value in list(vars(module).items()):
            is_deadline = name.endswith("_SECONDS") and isinstance(value, int | float)
            # A shorter one is a pause, a longer one the life of a URL.
            if is_deadline and 1 <= value < PATIENCE_SECONDS:
                monkeypatch.setattr(module, name, type(value)(PATIENCE_SECONDS))
    defaults = open_client.__kwdefaults__ or {}
    assert defaults["read_timeout"]
    monkeypatch.setitem(defaults, "read_timeout", PATIENCE_SECONDS)
