"""The hot thread takes its place (appliance.cold.placement), and what a run says of its host
(appliance.cold.host.at_start)."""

import os
import threading
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.host import at_start
from appliance.cold.host.knobs import Tree
from appliance.cold.placement import ANYWHERE, Placement, hold_idle_states_off
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


def test_what_only_root_may_read_is_told_and_not_judged(tmp_path: Path, monkeypatch) -> None:
    """A run's user may not look into debugfs; a wrong value elsewhere still counts."""
    host = Made(tmp_path, KNOWN["low-latency"])
    host.put("/sys/devices/system/cpu/online", "0-3\n")
    host.put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n")
    really = Tree.read

    def read(self: Tree, path: str) -> str:
        if "debug" in path:
            raise PermissionError(13, "Permission denied")
        return really(self, path)

    monkeypatch.setattr(Tree, "read", read)
    for how in ("warn", "refuse"):
        told = at_start.check(2, "low-latency", how, Tree(tmp_path))
        assert told and all("fair_server" in line and "not judged" in line for line in told)
    host.put("/proc/sys/vm/swappiness", "60\n")
    with pytest.raises(at_start.NotTuned, match="swappiness"):
        at_start.check(2, "low-latency", "refuse", Tree(tmp_path))


def left(placement: Placement) -> tuple[set[int], str]:
    """Cores of a thread that left, and what it says; on a thread, to keep ours."""
    seen: list[tuple[set[int], str]] = []

    def run() -> None:
        said = placement.leave()
        seen.append((os.sched_getaffinity(0), said))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return seen[0]


def test_the_other_threads_keep_off() -> None:
    allowed = os.sched_getaffinity(0)
    core = max(allowed)
    assert left(ANYWHERE) == (allowed, "")
    if len(allowed) > 1:
        assert left(Placement(core)) == (allowed - {core}, "")
    assert left(Placement(8191)) == (allowed, ""), "a core that is not ours is nothing to leave"


def test_the_only_core_is_shared_and_told(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert left(Placement(3))[1].startswith("host.core = 3: it is the only one")


def test_idle_states_are_held_off_for_as_long_as_we_live(tmp_path: Path) -> None:
    device = tmp_path / "cpu_dma_latency"
    assert hold_idle_states_off(device) == "" and not device.exists(), "nothing to hold here"
    device.write_bytes(b"")
    assert hold_idle_states_off(device) == ""
    assert device.read_bytes() == bytes(4), "no microseconds"
    links = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert device in [link.readlink() for link in links], "it counts while it is open"
    assert hold_idle_states_off(tmp_path).endswith("may sleep deeply")
