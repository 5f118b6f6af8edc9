"""Rate limits per principal and per address: on starts, and on signed URLs.

Never on listing, completing or aborting: clients take a 429 there for the end of the upload.
"""

from .provide import provide_metered_use_cases

__all__ = ["provide_metered_use_cases"]
