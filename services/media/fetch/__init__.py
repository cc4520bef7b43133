"""The one way to read an address from outside: checked, pinned, bounded.

A stranger chooses the address, so it may point at this machine or its
neighbours, at a name that resolves to something else on the second look, or
at a server that lies, drips or never ends. `addresses` and `urls` say where to
a fetch may go, `network` connects to exactly what was checked, `exchange` has
one question answered, `download` brings a file, and `cache` brings it once for
several who want it. There is no HTTP client below that would follow redirects,
keep cookies or use the environment's proxies by itself.
"""

from services.media.fetch.cache import SourceCache
from services.media.fetch.download import Fetched, fetch
from services.media.fetch.failure import FetchError, FetchFailed, FetchRefused
from services.media.fetch.policy import Policy

__all__ = [
    "FetchError",
    "FetchFailed",
    "FetchRefused",
    "Fetched",
    "Policy",
    "SourceCache",
    "fetch",
]
