"""A host against a profile, by value: each knob, what is wanted, what is found, and a verdict."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

from appliance.cold.host.cpus import parse_list, parse_mask
from appliance.cold.host.profile import Cores, Profile, Setting


@unique
class Verdict(Enum):
    OK = "ok"
    WRONG = "wrong"
    MISSING = "missing"  # what should be there is not
    UNREADABLE = "unreadable"
    NOT_APPLICABLE = "n/a"  # never a pass: the reason stands beside it

    @property
    def is_bad(self) -> bool:
        return self not in (Verdict.OK, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True)
class Finding:
    """Of one knob; ``found`` is a reason where there was nothing to find."""

    knob: str
    verdict: Verdict
    wanted: str
    found: str
    mend: str = ""  # "": nothing to mend
    reboot: bool = False


class Tree:
    """The files of a host, below another root if need be."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        return self.at(path).exists() or self.at(path).is_symlink()

    def read(self, path: str) -> str:
        """FileNotFoundError; OSError."""
        return self.at(path).read_text(encoding="utf-8", errors="replace").strip("\n")


def audit(profile: Profile, cores: Cores, tree: Tree) -> list[Finding]:
    """Every knob of the profile, in its order."""
    found: list[Finding] = []
    for setting in profile.settings:
        found += _judged(setting, profile, cores, tree)
    return found


def _judged(setting: Setting, profile: Profile, cores: Cores, tree: Tree) -> Iterator[Finding]:
    if reason := _does_not_apply(setting, profile, cores, tree):
        wanted = cores.put_into(setting.value or setting.option)
        yield Finding(setting.id, Verdict.NOT_APPLICABLE, wanted, reason)
        return
    if setting.kind == "service":
        for unit in setting.units:
            yield _service(setting, unit, tree)
    elif setting.compare == "option":
        yield _option(setting, cores, tree)
    elif setting.compare == "none_exists":
        for path in setting.paths:
            there = tree.exists(path)
            verdict = Verdict.WRONG if there else Verdict.OK
            found = "there" if there else "not there"
            yield _finding(setting, f"{setting.id} {path}", verdict, "not there", found, cores)
    else:
        cpus = sorted(cores.isolated) if setting.each else [None]
        for cpu in cpus:
            name = setting.id if cpu is None else f"{setting.id} cpu{cpu}"
            yield _value(setting, name, cores, tree, cpu)


def _does_not_apply(setting: Setting, profile: Profile, cores: Cores, tree: Tree) -> str:
    """Why not; "": it does."""
    if setting.only_without in {one.id for one in profile.settings}:
        return f"{setting.only_without} does it from the boot on"
    if "{hugepages}" in setting.value + setting.option and not cores.hugepages:
        return "no huge pages were asked for"
    if setting.needs and not tree.exists(setting.needs):
        return setting.absent
    if setting.needs_flags:
        try:
            flags = tree.read("/proc/cpuinfo").split()
        except OSError:
            flags = []
        if not set(setting.needs_flags) <= set(flags):
            return setting.absent
    return ""


def _value(setting: Setting, name: str, cores: Cores, tree: Tree, cpu: int | None) -> Finding:
    path = cores.put_into(setting.read_from, cpu)
    wanted = cores.put_into(setting.value, cpu)
    if setting.compare == "exists":
        wanted = f"{path} is there"
    try:
        found = "" if setting.compare == "exists" else tree.read(path)
        if setting.compare == "exists" and not tree.exists(path):
            raise FileNotFoundError(path)
    except FileNotFoundError:
        if setting.absent:
            return Finding(name, Verdict.NOT_APPLICABLE, wanted, setting.absent)
        told = f"{path} is not there"
        return _finding(setting, name, Verdict.MISSING, wanted, told, cores, cpu)
    except OSError as error:
        told = f"{path}: {error.strerror}"
        return Finding(name, Verdict.UNREADABLE, wanted, told, "run it as root")
    compare, _, more = setting.compare.partition(":")
    try:
        is_right = _COMPARED[compare](found, more or wanted)
    except ValueError:
        is_right = False
    verdict = Verdict.OK if is_right else Verdict.WRONG
    shown = f"{path} is there" if compare == "exists" else _shown(found, compare, wanted)
    return _finding(setting, name, verdict, wanted, shown, cores, cpu)


def _finding(
    setting: Setting,
    name: str,
    verdict: Verdict,
    wanted: str,
    found: str,
    cores: Cores,
    cpu: int | None = None,
) -> Finding:
    mend = cores.put_into(setting.how_to_mend(), cpu) if verdict.is_bad else ""
    return Finding(name, verdict, wanted, found, mend, setting.reboot)


def _option(setting: Setting, cores: Cores, tree: Tree) -> Finding:
    """A word of the kernel's command line that can be read nowhere else."""
    wanted = cores.put_into(setting.option)
    try:
        words = tree.read("/proc/cmdline").split()
    except FileNotFoundError:
        told = "/proc/cmdline is not there"
        return _finding(setting, setting.id, Verdict.MISSING, wanted, told, cores)
    except OSError as error:
        told = f"/proc/cmdline: {error.strerror}"
        return Finding(setting.id, Verdict.UNREADABLE, wanted, told, "run it as root")
    key = wanted.partition("=")[0]
    found = [word for word in words if word.partition("=")[0] == key]
    if not found:
        told = "not on the command line"
        return _finding(setting, setting.id, Verdict.MISSING, wanted, told, cores)
    verdict = Verdict.OK if found[-1] == wanted else Verdict.WRONG  # the last one counts
    return _finding(setting, setting.id, verdict, wanted, found[-1], cores)


_UNIT_FOLDERS: Final = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")


def _service(setting: Setting, unit: str, tree: Tree) -> Finding:
    """By files alone, so that another tree can be looked at."""
    name = f"{setting.id} {unit}"
    links = [folder for folder in _UNIT_FOLDERS if tree.exists(f"{folder}/{unit}")]
    if not links:
        return Finding(name, Verdict.NOT_APPLICABLE, setting.value, "it is not installed")
    place = tree.at(f"/etc/systemd/system/{unit}")
    is_masked = place.is_symlink() and str(place.readlink()) == "/dev/null"
    is_running = tree.exists(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs")
    state = "masked" if is_masked else "running" if is_running else "not running"
    is_right = is_masked if setting.value == "masked" else state != "running"
    verdict = Verdict.OK if is_right else Verdict.WRONG
    mend = "" if is_right else setting.how_to_mend()
    return Finding(name, verdict, setting.value, state, mend, setting.reboot)


def _shown(found: str, compare: str, wanted: str) -> str:
    """What was found, short enough for a table."""
    if compare == "line":
        return wanted if wanted in found.splitlines() else "no such line"
    if compare == "no_rows":
        rows = max(0, len(found.splitlines()) - 1)
        return "none" if rows == 0 else f"{rows} of them"
    first = found.splitlines()[0] if found else ""
    return first or "nothing"


def _chosen(found: str, wanted: str) -> bool:
    """Of ``always madvise [never]``."""
    return f"[{wanted}]" in found.split()


_COMPARED: Final[dict[str, Callable[[str, str], bool]]] = {
    "text": lambda found, wanted: found == wanted,
    "cpus": lambda found, wanted: parse_list(found) == parse_list(wanted),
    "mask": lambda found, wanted: parse_mask(found) == parse_mask(wanted),
    "at_least": lambda found, wanted: int(found) >= int(wanted),
    "chosen": _chosen,
    "one_of": lambda found, wanted: found in wanted.split(","),
    "line": lambda found, wanted: wanted in found.splitlines(),
    "no_rows": lambda found, _: len(found.splitlines()) <= 1,
    "exists": lambda *_: True,
}
