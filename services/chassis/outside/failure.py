"""How talking to a server outside fails."""


class OutsideError(Exception):
    """A server outside could not be asked, or does not answer as it should.

    The message is one sentence for whoever named the address. It names the
    server, never the rest of the address, where signatures and passwords are.
    """


class OutsideRefused(OutsideError):
    """The address or what it answers is at fault; trying again cannot help."""


class OutsideFailed(OutsideError):
    """The network or the server is in trouble; trying again can help.

    `retry_after` is after how many seconds, where the server says so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
