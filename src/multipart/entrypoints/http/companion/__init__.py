"""The routes of Uppy Companion's S3 part, for Uppy's own clients.

The contract is Companion's, errors included:
https://github.com/transloadit/uppy/blob/main/packages/%40uppy/companion/src/server/controllers/s3.ts
"""
