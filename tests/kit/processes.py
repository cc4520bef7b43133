"""Processes below this one, told apart from the servers that a test session keeps."""

import psutil


def running_below(module: str) -> list[psutil.Process]:
    """The descendants of this process that run `python -m module`, forked children included."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if module in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
