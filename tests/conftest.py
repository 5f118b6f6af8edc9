"""Fixtures of the servers, and assertion rewriting for the contract suites."""

import pytest

# Before any import of these modules: pytest then explains their failed assertions too.
pytest.register_assert_rewrite("multipart_upload.testing.contract", "tests.servers")

pytest_plugins = [
    "tests.teardowns",
    "tests.servers.mongodb",
    "tests.servers.postgresql",
    "tests.servers.redis",
    "tests.servers.sql_databases",
    "tests.servers.oidc",
    "tests.servers.azurite",
    "tests.servers.s3",
    "tests.servers.used",
]
