"""Where the fixtures of the servers come from."""

import pytest

# Before anybody imports the suites: their assertions, too, say what they compared.
pytest.register_assert_rewrite("multipart_upload.testing.contract", "tests.servers")

pytest_plugins = [
    "tests.teardowns",
    "tests.servers.mongodb",
    "tests.servers.postgresql",
    "tests.servers.s3",
    "tests.servers.used",
]
