"""A real influxd for whoever asks for one."""

from pathlib import Path

import pytest

from tests.sidecar.influxd import available


@pytest.fixture(scope="session")
def influxd_binary() -> Path:
    """Debian's influxd; else skip. Under CI it is fetched."""
    binary = available()
    if binary is None:
        pytest.skip("no influxd: python -m tests.sidecar.influxd fetches Debian's")
    return binary
