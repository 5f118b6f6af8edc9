"""The origin of signed URLs, as browsers and their content security policies name it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import get_session

from .client import S3Config


def public_origin(config: S3Config) -> str:
    """Give scheme, host and port of every URL that is signed for clients; S3 is not asked."""
    parts = urlsplit(config.public_endpoint_url or config.endpoint_url or _aws_url(config))
    return f"{parts.scheme}://{parts.netloc}"


def _aws_url(config: S3Config) -> str:
    # botocore alone knows when a bucket's name goes into the host and how partitions are named.
    client: Any = get_session().create_client(
        "s3",
        region_name=config.region,
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "virtual"}),
    )
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": config.bucket, "Key": "any"}
    )
    client.close()
    return url
