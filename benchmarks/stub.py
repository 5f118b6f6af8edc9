"""The command of the S3 stub, and the settings of a service that uses it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

STUB: Final = (
    *(sys.executable, "-m", "uvicorn", "--app-dir", str(Path(__file__).parent), "s3_stub:app"),
    *("--port", "{port}", "--log-level", "warning"),
)


def stub_settings(port: int) -> dict[str, str]:
    """Return the settings of a service that uses the stub on this port."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "S3_BUCKET_NAME": "bucket",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
