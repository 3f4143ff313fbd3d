"""What systemd hears (appliance.cold.service_manager), at a socket of our own."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cold import service_manager


@pytest.fixture(params=["a file", "no file"])
def heard(request, tmp_path: Path, monkeypatch) -> Iterator[socket.socket]:
    """systemd's end, on a path or in the abstract name space."""
    name = str(tmp_path / "notify") if request.param == "a file" else f"\0lonecore-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(name)
        there.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        yield there


def test_ready_and_status(heard: socket.socket) -> None:
    service_manager.status("warming\n up")
    assert heard.recv(4096) == b"STATUS=warming up", "one line, or it would be another field"
    service_manager.ready("live: trading BTCUSDT")
    assert heard.recv(4096) == b"READY=1\nSTATUS=live: trading BTCUSDT"
    service_manager.status("x" * 5000)
    assert len(heard.recv(4096)) < 500


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "relative", "@nobody-listens-here"])
def test_nobody_listens(address: str, monkeypatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    service_manager.ready("trading")
