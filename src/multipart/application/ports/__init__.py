"""The ports: what the application needs from adapters. The contract suites check each promise."""

from .api_key_repository import ApiKeyRepository
from .clock import Clock
from .content_detector import ContentDetector
from .credential_verifier import CredentialVerifier
from .event_repository import EventRepository
from .forwarding import ForwardingRepository
from .object_store import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from .quota_repository import QuotaRepository
from .rate_limiter import RateLimiter
from .receipt_key_repository import ReceiptKeyRepository
from .receipt_signer import ReceiptSigner
from .session_repository import SessionPage, SessionQuery, SessionRepository
from .upload_token_signer import UploadTokenSigner
from .usage_meter import UsageMeter
from .webhook_sender import Delivery, WebhookSender

__all__ = [
    "ApiKeyRepository",
    "Clock",
    "ContentDetector",
    "CredentialVerifier",
    "Delivery",
    "EventRepository",
    "ForwardingRepository",
    "ListedUpload",
    "NewObject",
    "ObjectStore",
    "OpenedUpload",
    "QuotaRepository",
    "RateLimiter",
    "ReceiptKeyRepository",
    "ReceiptSigner",
    "SessionPage",
    "SessionQuery",
    "SessionRepository",
    "SignedPart",
    "SignedParts",
    "SignedPost",
    "UploadPage",
    "UploadTokenSigner",
    "UsageMeter",
    "WebhookSender",
]
