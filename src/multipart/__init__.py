"""Coordinate multipart uploads to S3."""
