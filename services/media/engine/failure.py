"""The one failure that is the input's fault."""


class BadMedia(Exception):
    """The input cannot be used.

    The message is one sentence for the person who sent the file. Trying again
    cannot help; any other exception means that the fault is ours.
    """
