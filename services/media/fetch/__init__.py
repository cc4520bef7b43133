"""Reads an address from outside onto the disk, whatever its server does.

`services.chassis.outside` asks; here `download` brings a file and goes on
where a connection broke, and `cache` brings it once for several who want it.
"""

from services.media.fetch.cache import SourceCache
from services.media.fetch.download import Fetched, fetch

__all__ = ["Fetched", "SourceCache", "fetch"]
