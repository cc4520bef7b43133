"""Where what was made goes: one module a store.

`inside` is the house itself: storage and the media service. `s3_signed` and
`youtube` send one file to somebody else's server; `delivery` sees to it that
what was made is neither made nor sent a second time when an attempt at that
breaks off. `stores` picks.
"""

from services.media.worker.stores.stores import (
    Stores,
    earlier_delivery,
    is_outside,
    stores_for,
)

__all__ = ["Stores", "earlier_delivery", "is_outside", "stores_for"]
