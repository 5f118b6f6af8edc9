"""Headers and form fields of new objects, which carry names and metadata in ASCII."""

from __future__ import annotations

from ...application.ports import NewObject
from ...domain.content_disposition import content_disposition
from ...domain.encoded_words import encode_header_value
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY


def object_metadata(new: NewObject) -> dict[str, str]:
    """Return the metadata that S3 stores: lowercase keys, ASCII values, our upload id and nonce."""
    metadata = {key.lower(): encode_header_value(value) for key, value in new.metadata.items()}
    metadata[UPLOAD_ID_METADATA_KEY] = new.upload_id
    if new.nonce is not None:
        metadata[NONCE_METADATA_KEY] = new.nonce
    return metadata


def form_fields(new: NewObject) -> dict[str, str]:
    """Return the fields of a POST form that describe the object."""
    metadata = object_metadata(new)
    return {
        "content-type": new.content_type,
        "content-disposition": content_disposition(new.filename),
        # Otherwise S3 answers 204, without the location that clients read.
        "success_action_status": "201",
        **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
    }
