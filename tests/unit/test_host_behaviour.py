"""What a host does (appliance.cold.host.behaviour), where it can be seen on any machine; and the
command (appliance.cold.check_host_command, appliance.cold.host.check)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cold.host import behaviour
from appliance.cold.host.knobs import Verdict
from appliance.cold.host.profile import Cores

ROOT = Path(__file__).resolve().parents[2]
BEFORE = """\
           CPU0       CPU2       CPU3
  1:          9          0          0   IO-APIC   1-edge      i8042
 25:        100         10          7   PCI-MSI 0-edge      virtio0-input.0
NMI:          0          0          0   Non-maskable interrupts
LOC:       5000       1000       2000   Local timer interrupts
ERR:          0
MIS:          0
"""
AFTER = BEFORE.replace("100         10          7", "140         10          9").replace(
    "5000       1000       2000", "5500       1001       2500"
)


@pytest.mark.parametrize(
    ("cpu", "ticks", "devices"),
    [(0, 250.0, {"25 virtio0-input.0": 40}), (2, 0.5, {}), (3, 250.0, {"25 virtio0-input.0": 2})],
)
def test_what_came_to_a_core(cpu: int, ticks: float, devices: dict[str, int]) -> None:
    """Columns go by the cores' numbers: one that is off line has none."""
    before, after = (behaviour.read_interrupts(text) for text in (BEFORE, AFTER))
    counted = behaviour.counted_between(before, after, cpu, 2.0)
    assert (counted.ticks_per_s, counted.devices) == (ticks, devices)


STAT = """\
cpu  10 0 20 700 30 0 0 0 0 0
cpu0 5 0 10 300 20 0 0 0 0 0
cpu10 5 0 10 400 10 0 0 0 0 0
intr 1 2 3
"""


def test_how_long_a_core_was_idle() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    assert behaviour.read_idle(0, STAT) == 320 / ticks
    assert behaviour.read_idle(10, STAT) == 410 / ticks
    with pytest.raises(OSError, match="cpu1 is not on line"):
        behaviour.read_idle(1, STAT)


def test_a_core_that_is_taken_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What spins there is counted under; no process of ours goes beside it."""
    cpu = max(os.sched_getaffinity(0))
    spins = f"import os; os.sched_setaffinity(0, [{cpu}])\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", spins], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            assert behaviour.is_taken(cpu)
            monkeypatch.setattr(subprocess, "Popen", None)
            ticks, _ = behaviour._core(cpu, 0.3)
            assert ticks.found.endswith("/s, under what runs there")
        finally:
            process.kill()


def lines(root: Path, **affinities: tuple[str, str]) -> Path:
    for name, (allowed, effective) in affinities.items():
        folder = root / name.removeprefix("n")
        folder.mkdir()
        (folder / "smp_affinity_list").write_text(allowed + "\n")
        (folder / "effective_affinity_list").write_text(effective + "\n")
    return root


def test_lines_that_may_come(tmp_path: Path) -> None:
    cores = Cores(frozenset({2, 3}), frozenset({0, 1}))
    good = lines(tmp_path, n1=("0-1", "0"), n2=("0-3", "1"), n3=("3", "3"), n4=("0-1", ""))
    found = behaviour._affinities(cores, good)
    assert found.verdict is Verdict.OK, "what a queue of its own has cannot be moved"
    found = behaviour._affinities(cores, lines(tmp_path, n10=("0-3", "2"), n9=("0-3", "0-3")))
    assert found.verdict is Verdict.WRONG and found.found == "lines 9, 10"
    assert found.mend == "echo 0-1 > /proc/irq/N/smp_affinity_list"


def task(root: Path, pid: int, name: str, ran_on: int, allowed: str, flags: int = 0) -> None:
    folder = root / str(pid) / "task" / str(pid)
    folder.mkdir(parents=True)
    words = ["S", *["0"] * 5, str(flags), *["0"] * 29, str(ran_on), "0"]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(words)}\n")
    (folder / "status").write_text(f"Name:\t{name}\nCpus_allowed_list:\t{allowed}\nThreads:\t1\n")


def test_a_line_that_was_sent_elsewhere_moves_with_its_next_interrupt(tmp_path: Path) -> None:
    cores = Cores(frozenset({2, 3}), frozenset({0, 1}))
    assert behaviour._affinities(cores, lines(tmp_path, n1=("0-1", "3"))).verdict is Verdict.OK


def test_tasks_that_have_no_business_there(tmp_path: Path) -> None:
    cores = Cores(frozenset({2, 3}), frozenset({0, 1}))
    before = behaviour.read_turns(tmp_path)
    task(tmp_path, 10, "elsewhere", 1, "0-3")
    task(tmp_path, 11, "ksoftirqd/2", 2, "2", 0x200000)
    task(tmp_path, 12, "the loop", 3, "3")
    task(tmp_path, 15, "ran there before a partition", 3, "0-1")
    assert behaviour._tasks(cores, before, tmp_path).verdict is Verdict.OK
    task(tmp_path, 13, "a (b) c", 2, "0-3")
    task(tmp_path, 14, "kworker/u8", 3, "0-3", 0x200000)
    found = behaviour._tasks(cores, before, tmp_path)
    assert (found.verdict, found.found) == (Verdict.WRONG, "a (b) c, kworker/u8 (kernel)")


def test_a_thread_that_nobody_can_move_is_one_if_it_had_a_turn(tmp_path: Path) -> None:
    cores = Cores(frozenset({2, 3}), frozenset({0, 1}))
    task(tmp_path, 10, "kworker/R", 3, "0-3", 0x420_0000)
    turns = tmp_path / "10" / "task" / "10" / "schedstat"
    turns.write_text("900 80 7\n")
    before = behaviour.read_turns(tmp_path)
    assert behaviour._tasks(cores, before, tmp_path).verdict is Verdict.OK
    turns.write_text("950 80 8\n")
    assert behaviour._tasks(cores, before, tmp_path).found == "kworker/R (kernel)"


def test_a_core_of_this_machine_ticks() -> None:
    """Nothing is isolated where tests run: the spinner meets the tick."""
    cpu = max(os.sched_getaffinity(0))
    found = {one.knob: one for one in behaviour._core(cpu, 0.5)}
    ticks = found[f"timer ticks cpu{cpu}"]
    assert ticks.verdict in (Verdict.OK, Verdict.WRONG) and "/s" in ticks.found
    rate = float(ticks.found.partition("/s")[0])
    assert (ticks.verdict is Verdict.OK) == (rate <= behaviour.TICKS_MOST)


def test_a_tick_that_the_profile_does_not_stop_is_told_and_no_pass() -> None:
    cpu = max(os.sched_getaffinity(0))
    ticks, _ = behaviour._core(cpu, 0.5, tickless=False)
    assert ticks.verdict in (Verdict.OK, Verdict.NOT_APPLICABLE)
    rate = float(ticks.found.partition("/s")[0])
    assert (ticks.verdict is Verdict.OK) == (rate <= behaviour.TICKS_MOST)


def test_a_core_that_is_not_there_is_told() -> None:
    (ticks, devices) = behaviour._core(4095, 0.2)
    assert ticks.verdict is devices.verdict is Verdict.UNREADABLE
    assert ticks.found == "cpu4095 is not on line" and "appliance.slice" in ticks.mend


def check_host(*words: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "check-host", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


def tree(root: Path) -> Path:
    for name, text in (("online", "0-3"), ("isolated", "2-3")):
        at = root / "sys/devices/system/cpu" / name
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text + "\n")
    return root


def test_the_command_over_another_tree(tmp_path: Path) -> None:
    root = tree(tmp_path)
    done = check_host("--root", root, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and not told["ok"] and told["reboot_needed"]
    assert (told["isolated"], told["housekeeping"]) == ("2-3", "0-1"), "as they are now"
    knobs = {one["knob"]: one for one in told["knobs"]}
    assert knobs["isolcpus"]["verdict"] == "ok" and knobs["timer ticks"]["verdict"] == "n/a"
    assert knobs["vm_stat_interval"]["verdict"] == "missing"
    assert sum(told["verdicts"].values()) == len(told["knobs"])
    shown = check_host("--root", root)
    assert (
        shown.returncode == 1 and "vm_stat_interval: sysctl -w vm.stat_interval=10" in shown.stdout
    )
    (root / "sys/devices/system/cpu/isolated").write_text("\n")
    stock = check_host("--root", root, "--profile", "stock")
    assert stock.returncode == 0, stock.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--isolated", "7"), "there is no core 7"),
        (("--isolated", "0"), "core 0 is the boot core"),
        (("--isolated", "x"), "'x' is no list of CPUs"),
        (("--isolated", ""), "no core"),
        (("--profile", "none"), "no profile 'none'"),
        (("--seconds", "0"), "--seconds 0: give 0.2 to 600"),
        (("--hugepages", "-1"), "--hugepages -1"),
        (("--root", "/nowhere"), "no tree of a host"),
    ],
)
def test_bad_requests(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = check_host("--root", tree(tmp_path), *words)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == ""
