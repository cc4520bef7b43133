"""The fork server's process: `python -m services.media.sandbox DESCRIPTOR`."""

import socket
import sys

from services.media.sandbox.forkserver import serve

if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as control:
        serve(control)
