"""The promises of every port, as pytest classes for adapters to subclass (extra `contract`)."""

import pytest

# Before these modules are imported, so that their failed assertions show the compared values.
pytest.register_assert_rewrite(
    f"{__name__}.durability",
    f"{__name__}.object_store",
    f"{__name__}.outage",
    f"{__name__}.part_recording",
    f"{__name__}.part_reporting",
    f"{__name__}.part_uploading",
    f"{__name__}.session_finding",
    f"{__name__}.session_repository",
    f"{__name__}.session_saving",
    f"{__name__}.session_sweeping",
    f"{__name__}.single_uploading",
    f"{__name__}.unreadable_sessions",
    f"{__name__}.upload_ending",
)
