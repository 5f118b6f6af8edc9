"""The form of a POST Object request, and the policy that holds it to what was signed.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

from ...application.ports import NewObject, SignedPost
from .headers import content_disposition, object_metadata
from .sigv4 import Grant, signed_names, signing_key


def signed_post(new: NewObject, max_size: int, url: str, bucket: str, grant: Grant) -> SignedPost:
    """Sign a form for one whole file. `url` is the bucket's own, with the slash at its end."""
    expires_at = grant.signed_at + timedelta(seconds=grant.seconds)
    fields = {"key": new.key, **_fields(new), **signed_names(grant)}
    exactly = [{"bucket": bucket}, *({name: value} for name, value in fields.items())]
    policy = {
        "expiration": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [*exactly, ["content-length-range", 0, max_size]],
    }
    encoded = b64encode(json.dumps(policy).encode())
    key = signing_key(grant.secret_key, grant.day, grant.region)
    signature = hmac.digest(key, encoded, sha256).hex()
    signed = {**fields, "policy": encoded.decode(), "x-amz-signature": signature}
    return SignedPost(url, signed, expires_at)


def _fields(new: NewObject) -> dict[str, str]:
    """Give the fields that say what the object is."""
    metadata = object_metadata(new)
    return {
        "content-type": new.content_type,
        "content-disposition": content_disposition(new.filename),
        # Else S3 answers 204, without the address that clients read.
        "success_action_status": "201",
        **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
    }
