"""What systemd hears of us (sd_notify(3)): that the run trades, and what it is doing.

A unit of Type=notify has started when the run trades, not when there is a process: whoever starts
or restarts it waits for the right thing. Without systemd nobody is told.
"""

import os
import socket
from typing import Final

_TEXT_MAX: Final = 400


def ready(text: str) -> None:
    """From now on the service is up."""
    _tell(f"READY=1\nSTATUS={_line(text)}")


def status(text: str) -> None:
    """The line that ``systemctl status`` shows."""
    _tell(f"STATUS={_line(text)}")


def _line(text: str) -> str:
    return " ".join(text.split())[:_TEXT_MAX]


def _tell(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as there:
            there.setblocking(False)
            there.sendto(message.encode(), name)
    except OSError:
        pass  # it must not stop us from trading; systemd's own time-out tells
