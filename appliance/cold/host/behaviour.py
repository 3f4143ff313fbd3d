"""A host against its profile, by what it does: where a value that is right does not prove enough.

For some seconds a process spins on an isolated core; where a loop does so already, it is left alone
with it. Meanwhile the core's timer ticks and the interrupts of devices that come to it are counted;
then it is looked for tasks that have no business there, and for interrupts that may come.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.knobs import Finding, Verdict
from appliance.cold.host.profile import Cores

TICKS_MOST: Final = 1.0  # a second; a core with its tick has 100 to 1000
# Beside a loop that makes system calls one to two were counted, on an emulated machine.
TICKS_MOST_OF_A_LOOP: Final = 10.0
TAKEN_S: Final = 0.3  # so long a core is looked at: thirty of its counter's steps
_END_S: Final = 5.0
_KERNEL_THREAD: Final = 0x0020_0000  # PF_KTHREAD of /proc/PID/stat
_UNMOVABLE: Final = 0x0400_0000  # PF_NO_SETAFFINITY
_SPIN: Final = (
    "import os, sys, time\n"
    "os.sched_setaffinity(0, {int(sys.argv[1])})\n"
    "end = time.monotonic() + float(sys.argv[2])\n"
    "while time.monotonic() < end: pass\n"
)
_SLICE: Final = "systemd-run --slice appliance.slice --pipe --wait appliance check-host"
KNOBS: Final = ("timer ticks", "device interrupts", "interrupt affinity", "stray tasks")

Counts = dict[str, list[int]]


@dataclass(frozen=True)
class Counted:
    """Of one core over the seconds that it span."""

    ticks_per_s: float
    devices: dict[str, int]  # interrupts by their line's name, those that came
    others: bool = False  # what span there was not ours


def observe(cores: Cores, seconds: float, *, tickless: bool) -> list[Finding]:
    """Of each isolated core. Takes ``seconds`` for each. ``tickless``: the profile stops the tick
    of a core with one task; else it stays, and is only told."""
    found: list[Finding] = []
    turns = read_turns()
    for cpu in sorted(cores.isolated):
        found += _core(cpu, seconds, tickless=tickless)
    found.append(_affinities(cores))
    found.append(_tasks(cores, turns))
    return found


def not_here(reason: str) -> list[Finding]:
    """None of it could be looked at."""
    return [
        Finding(name, Verdict.NOT_APPLICABLE, "as on a host that runs", reason) for name in KNOBS
    ]


def _core(cpu: int, seconds: float, *, tickless: bool = True) -> Iterator[Finding]:
    wanted = f"at most {TICKS_MOST:g}/s while it spins, {TICKS_MOST_OF_A_LOOP:g}/s under a loop"
    try:
        counted = _spun(cpu, seconds)
    except OSError as error:
        told = error.strerror or str(error)
        for name in KNOBS[:2]:
            yield Finding(f"{name} cpu{cpu}", Verdict.UNREADABLE, wanted, told, f"run {_SLICE}")
        return
    found = f"{counted.ticks_per_s:.1f}/s{', under what runs there' if counted.others else ''}"
    mend = f"nohz_full={cpu}; one task that can run, no more"
    if counted.ticks_per_s <= (TICKS_MOST_OF_A_LOOP if counted.others else TICKS_MOST):
        verdict, mend = Verdict.OK, ""
    elif tickless:
        verdict = Verdict.WRONG
    else:
        verdict, mend = Verdict.NOT_APPLICABLE, ""
        found += "; it stays without nohz_full, which is of the boot"
    yield Finding(f"{KNOBS[0]} cpu{cpu}", verdict, wanted, found, mend, reboot=bool(mend))
    came = ", ".join(f"{name}: {count}" for name, count in counted.devices.items()) or "none"
    verdict = Verdict.WRONG if counted.devices else Verdict.OK
    mend = (
        "irqaffinity, smp_affinity_list of the line, queues of the device" if came != "none" else ""
    )
    yield Finding(f"{KNOBS[1]} cpu{cpu}", verdict, "none", came, mend)


def is_taken(cpu: int) -> bool:
    """Something keeps this core busy. A loop that trades gets no company: a share of its core would
    be taken from it, and what is to run behind one that goes first in, first out, never does."""
    before = read_idle(cpu)
    time.sleep(TAKEN_S)
    return read_idle(cpu) - before < TAKEN_S / 2


def read_idle(cpu: int, text: str | None = None) -> float:
    """Seconds that this core had nothing to do, since the boot. OSError: there is no such core."""
    for line in (text if text is not None else Path("/proc/stat").read_text()).splitlines():
        words = line.split()
        if words[:1] == [f"cpu{cpu}"]:
            idle, waiting = words[4:6]
            return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")
    raise OSError(f"cpu{cpu} is not on line")


def _spun(cpu: int, seconds: float) -> Counted:
    """OSError: nothing of ours may run on this core."""
    if is_taken(cpu):
        before = read_interrupts()
        time.sleep(seconds)
        return replace(counted_between(before, read_interrupts(), cpu, seconds), others=True)
    words = [sys.executable, "-S", "-c", _SPIN, str(cpu), str(seconds + _END_S)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, told = process.communicate(timeout=0.3)
    except subprocess.TimeoutExpired:
        before = read_interrupts()
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return counted_between(before, read_interrupts(), cpu, seconds)
        raise OSError("the process that spins ended too soon") from None
    finally:
        process.kill()
        # One that gets no time any more cannot even end: it is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        assert process.stderr is not None
        process.stderr.close()
    raise OSError(f"nothing may be pinned there: {told.decode().strip().splitlines()[-1]}")


def read_interrupts(text: str | None = None) -> tuple[list[int], Counts]:
    """CPUs of the columns, and counts by line."""
    lines = (text if text is not None else Path("/proc/interrupts").read_text()).splitlines()
    cpus = [int(word.removeprefix("CPU")) for word in lines[0].split()]
    counts: Counts = {}
    for line in lines[1:]:
        name, _, rest = line.partition(":")
        words = rest.split()
        numbers = words[: len(cpus)]
        if len(numbers) == len(cpus) and all(word.isdecimal() for word in numbers):
            label = " ".join([name.strip(), *words[len(cpus) :][-1:]])
            counts[label] = [int(word) for word in numbers]
    return cpus, counts


def counted_between(
    before: tuple[list[int], Counts], after: tuple[list[int], Counts], cpu: int, seconds: float
) -> Counted:
    """A row whose name is a number is a device's; LOC is the core's own timer."""
    column = after[0].index(cpu)
    more = {
        label: numbers[column] - before[1].get(label, [0] * len(numbers))[column]
        for label, numbers in after[1].items()
    }
    ticks = sum(n for label, n in more.items() if label.split()[0] == "LOC")
    devices = {label: n for label, n in more.items() if n and label.split()[0].isdecimal()}
    return Counted(ticks / seconds, devices)


def _affinities(cores: Cores, root: Path = Path("/proc/irq")) -> Finding:
    """Lines that may come to an isolated core; those of a queue of its own cannot be moved. One
    that was sent elsewhere moves with its next interrupt, and until then reads as it was."""
    may_come = []
    for folder in sorted(root.glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            name = "effective_affinity_list"
            effective = parse_list((folder / name).read_text())
            allowed = parse_list((folder / "smp_affinity_list").read_text())
        except (OSError, ValueError):
            continue
        is_of_a_queue = allowed <= cores.isolated
        if effective & allowed & cores.isolated and not is_of_a_queue:
            may_come.append(folder.name)
    found = f"lines {', '.join(may_come)}" if may_come else "none may come"
    mend = (
        f"echo {list_text(cores.housekeeping)} > /proc/irq/N/smp_affinity_list" if may_come else ""
    )
    verdict = Verdict.WRONG if may_come else Verdict.OK
    return Finding(KNOBS[2], verdict, "none may come", found, mend)


def read_turns(root: Path = Path("/proc")) -> dict[Path, int]:
    """How often each task has been given a core, by its folder."""
    return {
        folder: turns
        for folder in root.glob("[0-9]*/task/[0-9]*")
        if (turns := _turns(folder)) is not None
    }


def _turns(folder: Path) -> int | None:
    """None: it has ended, or this kernel does not count them."""
    try:
        return int((folder / "schedstat").read_text().split()[2])
    except (OSError, ValueError, IndexError):
        return None


def _tasks(cores: Cores, before: Mapping[Path, int], root: Path = Path("/proc")) -> Finding:
    """Tasks that ran last on an isolated core, may do so again and could have run elsewhere. A
    thread of the kernel that nobody can move is one if it had a turn since ``before``."""
    strays = []
    for stat in root.glob("[0-9]*/task/[0-9]*/stat"):
        try:
            text = stat.read_text()
            status = (stat.parent / "status").read_text()
        except OSError:
            continue  # it has ended
        name, _, rest = text.partition("(")[2].rpartition(")")
        words = rest.split()
        flags, folder = int(words[6]), stat.parent
        is_kernels = bool(flags & _KERNEL_THREAD)
        ran_on = int(words[36])
        allowed = next(
            (
                parse_list(x.split()[1])
                for x in status.splitlines()
                if x.startswith("Cpus_allowed_list")
            ),
            frozenset[int](),
        )
        if ran_on not in cores.isolated or int(stat.parts[-4]) == os.getpid():
            continue
        # A thread of the kernel for this core alone belongs there; so does who was put there.
        if allowed <= cores.isolated or not allowed & cores.isolated:
            continue
        if flags & _UNMOVABLE and folder in before and before[folder] == _turns(folder):
            continue
        strays.append(f"{name}{' (kernel)' if is_kernels else ''}")
    found = ", ".join(sorted(set(strays))[:8]) or "none"
    verdict = Verdict.WRONG if strays else Verdict.OK
    mend = "isolate the cores: tasks that run there may run elsewhere" if strays else ""
    return Finding(KNOBS[3], verdict, "none", found, mend)
