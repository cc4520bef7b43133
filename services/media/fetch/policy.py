"""What a fetch may do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """How much a fetch may store, how long it may take, and where to it may go."""

    max_bytes: int
    # Seconds in all.
    max_seconds: float
    max_redirects: int = 5
    # Seconds until a server has said all its headers.
    answer_seconds: float = 60.0
    # Seconds between one piece of a body and the next.
    silence_seconds: float = 60.0
    # Bytes a second that a server must send on average, looked at so many seconds apart.
    min_rate: float = 1024.0
    rate_seconds: float = 30.0
    # How often a broken connection is taken up again where it broke.
    max_resumes: int = 5
    # For tests and for the embedded suite, whose users' files are on this machine.
    allow_loopback: bool = False
