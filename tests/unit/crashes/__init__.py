"""Crash injection: faults at every port call, and how uploads recover from them."""

import pytest

# Before these modules are imported, so that their failed assertions show the compared values.
pytest.register_assert_rewrite(f"{__name__}.recovery", f"{__name__}.world")
