"""The one way outside: checked, pinned, bounded.

A stranger chooses the address, so it may point at this machine or its
neighbours, at a name that resolves to something else on the second look, or
at a server that lies, drips or never ends. `addresses` and `urls` say where to
a request may go, `network` connects to exactly what was checked, `exchange`
has one question answered, and `sending` sends something. There is no HTTP
client below that would follow redirects, keep cookies or use the environment's
proxies by itself.
"""

from services.chassis.outside.bodies import FilePart
from services.chassis.outside.exchange import Answer, asking
from services.chassis.outside.failure import OutsideError, OutsideFailed, OutsideRefused
from services.chassis.outside.policy import Policy
from services.chassis.outside.retrying import retry_after, worth_retrying
from services.chassis.outside.sending import Reply, send
from services.chassis.outside.urls import host_of

__all__ = [
    "Answer",
    "FilePart",
    "OutsideError",
    "OutsideFailed",
    "OutsideRefused",
    "Policy",
    "Reply",
    "asking",
    "host_of",
    "retry_after",
    "send",
    "worth_retrying",
]
