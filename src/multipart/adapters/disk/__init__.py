"""The object store in a folder: objects are plain files, and this process takes the bytes."""

from .object_store import DiskConfig, DiskObjectStore, open_disk_store

__all__ = ["DiskConfig", "DiskObjectStore", "open_disk_store"]
