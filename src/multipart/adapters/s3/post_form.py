"""The form of a POST Object request, and the policy that holds it to what was signed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...domain.ports import NewObject, SignedPost
from .headers import content_disposition, object_metadata


@dataclass(frozen=True, slots=True)
class PostForm:
    """The fields that a client must send unchanged, and the conditions that make it."""

    fields: Mapping[str, str]
    conditions: Sequence[Any]

    @classmethod
    def of(cls, new: NewObject, max_size: int) -> PostForm:
        """Write down an object that is to be made in one request."""
        metadata = object_metadata(new.metadata, new.upload_id)
        fields = {
            "content-type": new.content_type,
            "content-disposition": content_disposition(new.filename),
            # Else S3 answers 204, without the address that clients read.
            "success_action_status": "201",
            **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
        }
        exactly = [{name: value} for name, value in fields.items()]
        return cls(fields, [*exactly, ["content-length-range", 0, max_size]])


def signed_post(signed: Mapping[str, Any]) -> SignedPost:
    """Read what botocore has signed."""
    fields: dict[str, str] = signed["fields"]
    policy = json.loads(b64decode(fields["policy"]))
    expires_at = datetime.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    # Clients append the key to the URL, which in path style ends in the bucket's bare name.
    return SignedPost(signed["url"].rstrip("/") + "/", fields, expires_at)
