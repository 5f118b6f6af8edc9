"""The routes of Uppy Companion's S3 part, for Uppy's own clients.

The contract is Companion's, errors included:
https://github.com/transloadit/uppy/blob/main/packages/%40uppy/companion/src/server/controllers/s3.ts
"""

# Its application mounts these routes, which use its errors: whoever imports them first, it begins.
from ... import http  # noqa: F401
