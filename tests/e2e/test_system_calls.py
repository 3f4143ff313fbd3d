"""What the hot thread asks of the kernel while it trades: bytes of its own sockets, no more."""

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from appliance.abi.market import Market
from tests.e2e.conftest import WARM_S, Appliance, is_running, wait_for
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import VenueProcess

TRACED_S = 3.0
CALL = re.compile(r"^[0-9.]+ (\w+)\(([0-9]+)?")
OURS = {"recvfrom", "sendto"}

pytestmark = [
    pytest.mark.usefixtures("regions"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]


def processor_times(pid: int) -> dict[int, int]:
    """Ticks that each thread has used so far."""
    times: dict[int, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        times[int(task.name)] = int(fields[11]) + int(fields[12])
    return times


def busiest_thread(pid: int) -> int:
    """The one that polls now; compiling before the start may have cost another one more."""
    before = processor_times(pid)
    time.sleep(1.0)
    after = processor_times(pid)
    return max(after, key=lambda task: after[task] - before.get(task, 0))


def sockets_of(pid: int) -> set[int]:
    """Descriptors that are TCP sockets."""
    inodes = {line.split()[9] for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]}
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:[") and target[8:-1] in inodes:
            found.add(int(entry.name))
    return found


def traced(thread: int, out: Path) -> list[str]:
    """Its system calls for a while, and until it has sent something."""
    tracer = subprocess.Popen(
        ["strace", "-ttt", "-p", str(thread), "-o", str(out)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(TRACED_S)
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            pytest.skip(f"strace may not attach: {tracer.stderr.read().strip()}")
        wait_for(lambda: b" sendto(" in out.read_bytes())
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=WARM_S)
    finally:
        tracer.kill()
    return out.read_text().splitlines()


@pytest.mark.parametrize("tls", [False, True])
def test_only_bytes_of_its_own_sockets(
    live_appliance: Appliance, tmp_path: Path, tls: bool
) -> None:
    ca = tmp_path / "tls" / "ca.pem"
    ca.parent.mkdir()
    more = ["--tls-dir", str(ca.parent)] if tls else []
    options = ["--market", "spot", "--symbols", ",".join(SYMBOLS), *more]
    with VenueProcess(tmp_path, *options) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT, extra_ca=str(ca) if tls else "")
        name = run_name(venue.ready["port"])
        with live_appliance.start("run", config, "--json") as process:
            try:
                wait_for(lambda: is_running(name) or process.poll() is not None)
                wait_for(lambda: bool(venue.account("spot")["trades"]))
                fills_n = len(venue.account("spot")["trades"])
                lines = traced(busiest_thread(process.pid), tmp_path / "calls")
                wait_for(lambda: len(venue.account("spot")["trades"]) > fills_n)
                sockets = sockets_of(process.pid)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=WARM_S)
            finally:
                process.kill()
    calls = Counter(found.groups() for line in lines if (found := CALL.match(line)))
    strange = {call: n for call, n in calls.items() if call[0] not in OURS}
    assert not strange, strange
    used = {int(descriptor) for _, descriptor in calls}
    assert used <= sockets, f"{used - sockets} are none of its sockets"
    assert {name for name, _ in calls} == OURS, "it read, and it sent orders"
    assert sum(calls.values()) > 1000
