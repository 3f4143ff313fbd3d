"""What a desk has on its controller: an inventory, a run's folder, a key; for the one machine."""

import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.strategies.risk_text import risk_text
from tests.vm.compiled import PROCESSOR
from tests.vm.machine import Machine

RUN: Final = "spot-1"
ISOLATED: Final = "2-3"
CORE: Final = 3
HUGEPAGES: Final = 64
VENUE_PORT: Final = 18443
# A machine that is emulated in turns is late by seconds: what judges lateness is wide.
LATE_MS: Final = 60_000

RUN_TOML: Final = f"""mode = "live"
testnet = true
market = "spot"
symbols = ["BTCUSDT"]
name = "{RUN}"
rings = "/dev/hugepages/appliance"
[strategy]
params = {{tolerance_ticks = 20}}
[venue]
rest = "http://127.0.0.1:{VENUE_PORT}"
streams = "ws://127.0.0.1:{VENUE_PORT}"
orders = "ws://127.0.0.1:{VENUE_PORT}/ws-api/v3"
[keys]
credential = "lonecore-key"
[risk]
file = "risk.toml"
[journal]
folder = "/var/lib/lonecore/{RUN}/journal"
[host]
core = {CORE}
fifo_priority = 80
profile = "low-latency"
check = "refuse"
[session]
book_silence_ms = {LATE_MS}
stream_silence_ms = {LATE_MS}
answer_timeout_ms = {LATE_MS}
[degrade]
pass_ms = [{LATE_MS}, {LATE_MS + 1}]
clock_ms = [{LATE_MS}, {LATE_MS + 1}]
feed_ms = [{LATE_MS * 10}, {LATE_MS * 10 + 1}]
"""
RISK: Final = risk_text(
    collar_pct=5,
    reference_age_max_ms=LATE_MS,
    book_age_max_ms=LATE_MS,
)


class Desk:
    """``folder``: of the inventory. ``say`` adds variables of the host."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.folder = folder
        self._run = folder / "runs" / RUN
        self._run.mkdir(parents=True)
        (self._run / "run.toml").write_text(RUN_TOML)
        (self._run / "risk.toml").write_text(RISK)
        self._host: dict[str, Any] = {
            "ansible_host": "127.0.0.1",
            "ansible_port": machine.port,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(machine.key),
            "ansible_ssh_common_args": " ".join(machine.ssh_options[2:]),
            "mitogen_ssh_compression": False,  # what is large is compressed
            "host_tuning_isolated_cpus": ISOLATED,
            "host_tuning_hugepages": HUGEPAGES,
            "appliance_environment": PROCESSOR,
        }
        self.inventory = folder / "hosts.yml"
        self.say()

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self._run

    def say(self, **variables: object) -> None:
        """Of the host, from now on. JSON is YAML, too."""
        self._host |= variables
        groups = {
            "appliances": {"hosts": {"vm": self._host}},
            "monitoring": {"hosts": {"vm": None}},
        }
        self.inventory.write_text(json.dumps(groups, indent=2))


def lent_run(folder: Path) -> Path:
    """The run's folder for a compilation: with a key in it, as systemd would lend it, and nothing
    asked of the host, which is this one."""
    folder.mkdir(parents=True)
    (folder / "run.toml").write_text(RUN_TOML.replace('check = "refuse"', 'check = "off"'))
    (folder / "risk.toml").write_text(RISK)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (folder / "lonecore-key").write_text(json.dumps({"apiKey": "none", "privateKey": pem}))
    return folder
