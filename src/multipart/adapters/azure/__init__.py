"""The object store on Azure Blob Storage, with the SDK azure-storage-blob."""

from .object_store import AzureConfig, AzureObjectStore, open_azure_store

__all__ = ["AzureConfig", "AzureObjectStore", "open_azure_store"]
