"""Longer deadlines for adapters, so that tests of their behaviour do not depend on speed.

On a busy machine the stand-ins for MongoDB and S3 may exceed an adapter's deadline. The service
itself, and tests marked `deadlines`, keep the original deadlines.
"""

from __future__ import annotations

import sys

import pytest

from multipart_upload.adapters.s3.client import open_client

from .patience import PATIENCE_SECONDS

_ADAPTERS = "multipart_upload.adapters."


@pytest.fixture(autouse=True)
def _extended_deadlines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise every deadline of the adapters to the patience of the tests."""
    if request.node.get_closest_marker("deadlines"):
        return
    for module in [sys.modules[name] for name in sys.modules if name.startswith(_ADAPTERS)]:
        for name, value in list(vars(module).items()):
            is_deadline = name.endswith("_SECONDS") and isinstance(value, int | float)
            # Shorter constants are pauses, longer ones are lifetimes of URLs.
            if is_deadline and 1 <= value < PATIENCE_SECONDS:
                monkeypatch.setattr(module, name, type(value)(PATIENCE_SECONDS))
    defaults = open_client.__kwdefaults__ or {}
    assert defaults["read_timeout"]
    monkeypatch.setitem(defaults, "read_timeout", PATIENCE_SECONDS)
