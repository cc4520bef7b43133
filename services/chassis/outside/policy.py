"""What talking to a server outside may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """How much of an answer is taken, how long it may take, and where to a request may go."""

    # Of an answer's body.
    max_bytes: int
    # Seconds in all.
    max_seconds: float
    # Of questions; what sends something follows none.
    max_redirects: int = 5
    # Seconds until a server has taken another piece of a body, or said all its headers.
    answer_seconds: float = 60.0
    # Seconds between one piece of an answer's body and the next.
    silence_seconds: float = 60.0
    # Bytes a second that a server must send on average, looked at so many seconds apart.
    min_rate: float = 1024.0
    rate_seconds: float = 30.0
    # How often a broken download is taken up again where it broke.
    max_resumes: int = 5
    # For tests and for the embedded suite, whose users' files are on this machine.
    allow_loopback: bool = False
    # For servers that the operator named, and nobody else.
    allow_private: bool = False
