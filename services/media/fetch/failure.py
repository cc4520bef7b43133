"""How a fetch fails."""


class FetchError(Exception):
    """A source could not be read.

    The message is one sentence for its sender. It names the server, never the
    rest of the address, where signatures and passwords are.
    """


class FetchRefused(FetchError):
    """The address or what it answers is at fault; trying again cannot help."""


class FetchFailed(FetchError):
    """The network or the server is in trouble; trying again can help.

    `retry_after` is after how many seconds, where the server says so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
