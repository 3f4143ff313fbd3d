"""What a test does inside the machine besides what playbooks do: a venue, a baseline, questions."""

import json
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.vm.desk import RUN, VENUE_PORT
from tests.vm.machine import Machine

APPLIANCE: Final = "/opt/lonecore/current/release/bin/appliance"
UNITS: Final = (f"lonecore-appliance@{RUN}", f"lonecore-guard@{RUN}", "lonecore-sidecar")
VENUE_KEYS: Final = "/run/venue-keys/spot-ed25519"
# Of a release, what the venue does without.
_NOT_OF_THE_VENUE: Final = ("numba", "llvmlite", "reactivex", "influxdb_client", "*/tests")
PATIENCE_S: Final = 240.0

# Ticks on one core while something spins there; by the kernel's own count.
_TICKS: Final = """
import os, sys, time
def count():
    for line in open("/proc/interrupts"):
        if line.split()[0] == "LOC:":
            return int(line.split()[1 + cpu])
cpu = int(sys.argv[1])
os.sched_setaffinity(0, {cpu})
end = time.monotonic() + 1
while time.monotonic() < end: pass
before, began = count(), time.monotonic()
while time.monotonic() < began + 5: pass
print((count() - before) / (time.monotonic() - began))
"""


class Guest:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    # ---- as it was ---------------------------------------------------------------------------

    def keep_baseline(self) -> None:
        """What a rollback must lead back to. A boot menu that was written by what is installed, and
        an environment of GRUB, as a host has that has been booted once."""
        self.machine.says(
            "update-grub 2> /dev/null; grub-editenv /boot/grub/grubenv create; mkdir /var/before;"
            " cp -a /etc /boot/grub /var/before; cp /proc/cmdline /var/before/cmdline"
        )

    def differences(self) -> str:
        """From the baseline; nothing: none."""
        done = self.machine.ssh(
            "diff -r --no-dereference /var/before/etc /etc; diff -r /var/before/grub /boot/grub;"
            " diff /var/before/cmdline /proc/cmdline"
        )
        return done.stdout

    # ---- the venue ---------------------------------------------------------------------------

    def start_venue(self, *packages: Path) -> str:
        """Of what is in these folders, in the machine; the key of its account, as JSON."""
        exclude = [f"--exclude={name}" for name in _NOT_OF_THE_VENUE]
        for folder in packages:
            self.machine.send(folder, "/opt/venue", *exclude)
        self.machine.says(
            "systemd-run --quiet --unit=venue --property=Environment=PYTHONPATH=/opt/venue python3"
            f" -m appliance venue --market spot --port {VENUE_PORT} --symbols BTCUSDT --rate 8"
            " --keys-dir /run/venue-keys --limits-factor 100"
        )
        self.wait(lambda: self.machine.ssh(f"test -s {VENUE_KEYS}.json").returncode == 0, "a venue")
        named = json.loads(self.machine.says(f"cat {VENUE_KEYS}.json"))
        private = self.machine.says(f"cat {VENUE_KEYS}.pem") + "\n"
        return json.dumps({"apiKey": named["apiKey"], "privateKey": private})

    def traded_at_venue(self) -> dict[str, Decimal]:
        """What the account's trades add up to, by symbol, as the venue has it."""
        url = f"http://127.0.0.1:{VENUE_PORT}/venue/state?depth=1"
        told = json.loads(self.machine.says(f"python3 -c '{_GET}' '{url}'"))
        (account,) = told["spot"]["accounts"].values()
        return {symbol: Decimal(text) for symbol, text in account["traded"].items()}

    # ---- the services ------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.machine.ssh(f"{APPLIANCE} status --json").stdout)
        return told

    def release(self) -> str:
        """Of the process that trades."""
        pid = self.machine.says(f"systemctl show -P MainPID {UNITS[0]}")
        return self.machine.says(f"tr '\\0' '\\n' < /proc/{pid}/cmdline | head -n 1").split("/")[4]

    def journal(self, what: str = "--replay") -> dict[str, Any]:
        """What the order journal adds up to; or, with ``--verify``, that every record is whole and
        none is missing."""
        path = f"/var/lib/lonecore/{RUN}/journal/{RUN}.journal"
        told: dict[str, Any] = json.loads(
            self.machine.says(f"{APPLIANCE} journal {path} {what} --json")
        )
        return told

    def ticks_per_s(self, cpu: int) -> float:
        self.machine.says(f"cat > /run/ticks.py <<'END'{_TICKS}END")
        return float(self.machine.says(f"python3 /run/ticks.py {cpu}"))

    def exposure(self, unit: str) -> float:
        """What ``systemd-analyze security`` says of a unit that runs."""
        last = self.machine.says(f"systemd-analyze security --no-pager {unit}").splitlines()[-1]
        return float(last.partition(":")[2].split()[0])

    def query(self, text: str) -> list[Any]:
        """Rows of InfluxDB's in the machine."""
        url = f"http://127.0.0.1:8086/query?db=lonecore&q={text.replace(' ', '%20')}"
        told = json.loads(self.machine.says(f"python3 -c '{_GET}' '{url}'"))
        return [row for s in told["results"][0].get("series", []) for row in s["values"]]

    def wait(self, until: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            try:
                if until():
                    return
            except (AssertionError, ValueError, KeyError, subprocess.TimeoutExpired):
                pass
            time.sleep(2)
        raise AssertionError(f"{what} did not come about in {within_s:.0f} s")


_GET: Final = (
    "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=60).read().decode())"
)
