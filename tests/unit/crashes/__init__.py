"""Deaths at every call of a port, and what is left of an upload afterwards."""

import pytest

# Before the modules of this package are read: their assertions, too, say what they compared.
pytest.register_assert_rewrite(f"{__name__}.aftermaths", f"{__name__}.world")
