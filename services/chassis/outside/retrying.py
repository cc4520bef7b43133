"""Which answers are worth another try, and after how long."""

import email.utils
import re
import time

_LONGEST_WAIT = 86_400.0
# Request timeout; too early; too many requests.
_WORTH_RETRYING = frozenset({408, 425, 429})
# Not implemented; HTTP version not supported.
_HOPELESS = frozenset({501, 505})


def worth_retrying(status: int) -> bool:
    """Whether a server that answers with this status may answer better later."""
    return status in _WORTH_RETRYING or (status >= 500 and status not in _HOPELESS)


def retry_after(value: str) -> float | None:
    """Seconds that a Retry-After header asks to wait, a day at most; None when it asks nothing."""
    if re.fullmatch(r"[0-9]{1,9}", value):
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
