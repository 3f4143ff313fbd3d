"""The hot thread takes its place (appliance.cold.placement), and what a run says of its host
(appliance.cold.host.at_start)."""

import os
import threading
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.host import at_start
from appliance.cold.host.knobs import Tree
from appliance.cold.placement import ANYWHERE, Placement
from tests.unit.test_host_knobs import CORES, Made
from tests.unit.test_host_knobs import PROFILES as KNOWN


def taken(placement: Placement) -> tuple[set[int], int, BaseException | None]:
    """Cores, policy and failure of a thread that took it."""
    seen: list[tuple[set[int], int, BaseException | None]] = []

    def run() -> None:
        failure = None
        try:
            placement.take()
        except ApplianceError as error:
            failure = error
        seen.append((os.sched_getaffinity(0), os.sched_getscheduler(0), failure))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return seen[0]


def test_the_thread_alone_is_placed() -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    cores, policy, failure = taken(Placement(core))
    assert (cores, policy, failure) == ({core}, os.SCHED_OTHER, None)
    assert os.sched_getaffinity(0) == before, "the others stay where they are"
    assert taken(ANYWHERE)[0] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to real-time priorities")
def test_first_in_first_out() -> None:
    _, policy, failure = taken(Placement(fifo_priority=1))
    assert (policy, failure) == (os.SCHED_FIFO, None)


@pytest.mark.parametrize("core", [8191, 10**12])
def test_a_core_that_is_not_there(core: int) -> None:
    _, _, failure = taken(Placement(core))
    assert f"host.core = {core}: " in str(failure)


def test_a_run_says_what_is_amiss(tmp_path: Path) -> None:
    host = Made(tmp_path, KNOWN["low-latency"])
    host.put("/sys/devices/system/cpu/online", "0-3\n")
    host.put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n")
    tree = Tree(tmp_path)
    assert at_start.check(2, "low-latency", "refuse", tree) == []
    host.put("/proc/sys/vm/swappiness", "60\n")
    (line,) = at_start.check(2, "low-latency", "warn", tree)
    assert line == (
        "host: 1 knobs are not as low-latency has them:"
        " appliance check-host --profile low-latency --isolated 2-3"
    )
    assert at_start.check(2, "low-latency", "off", tree) == []
    with pytest.raises(at_start.NotTuned, match="host: swappiness: 60, not 10: sysctl -w") as no:
        at_start.check(2, "low-latency", "refuse", tree)
    assert no.value.exit_code == 1
    with pytest.raises(at_start.NotTuned, match="there is no core 9"):
        at_start.check(9, "low-latency", "refuse", tree)
    assert "there is no core 9" in at_start.check(9, "low-latency", "warn", tree)[0]
    assert CORES.isolated == {2, 3}
