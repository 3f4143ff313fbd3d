"""Profiles of a host: the data files of kernel-tuning/, with the cores put in."""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from appliance.cold.errors import ApplianceError
from appliance.cold.host.cpus import list_text, mask_text

FOLDER: Final = "kernel-tuning"
USUAL: Final = "low-latency"
KINDS: Final = (
    *("cmdline", "partition", "sysctl", "sysfs", "irq", "file", "hugepages", "tmpfiles", "udev"),
    *("service", "state"),
)


@dataclass(frozen=True)
class Cores:
    """Who has which; and how many huge pages of 2 MB the rings want."""

    isolated: frozenset[int]
    housekeeping: frozenset[int]
    hugepages: int = 0

    def put_into(self, text: str, cpu: int | None = None) -> str:
        """``text`` with every {name} in it filled in."""
        names = {
            "isolated": list_text(self.isolated),
            "housekeeping": list_text(self.housekeeping),
            "isolated_mask": mask_text(self.isolated),
            "housekeeping_mask": mask_text(self.housekeeping),
            "hugepages": str(self.hugepages),
            "cpu": "" if cpu is None else str(cpu),
        }
        for name, value in names.items():
            text = text.replace("{" + name + "}", value)
        return text


@dataclass(frozen=True)
class Setting:
    """One knob, as its entry has it; {names} are not filled in."""

    id: str
    kind: str
    why: str
    source: str
    reboot: bool
    risk: str
    undo: str
    value: str = ""
    compare: str = "text"  # knobs.py
    path: str = ""  # where it is read back
    paths: tuple[str, ...] = ()
    key: str = ""  # of a sysctl
    option: str = ""  # of the kernel's command line
    units: tuple[str, ...] = ()  # of systemd
    each: str = ""  # "isolated": once for each of them
    needs: str = ""  # a path without which it does not apply
    needs_flags: tuple[str, ...] = ()  # of the processor, likewise
    absent: str = ""  # why it does not apply where the path, or what it needs, is not there
    only_without: str = ""  # id of a setting that makes it needless
    mend: str = ""  # "": follows from the kind

    @property
    def read_from(self) -> str:
        """The path that says what it is now."""
        return self.path or (f"/proc/sys/{self.key.replace('.', '/')}" if self.key else "")

    def how_to_mend(self) -> str:
        if self.mend:
            return self.mend
        return {
            "cmdline": f"{self.option} on the kernel's command line, then reboot",
            "sysctl": f"sysctl -w {self.key}={self.value}",
            "udev": "the rule in /etc/udev/rules.d, then udevadm control --reload; udevadm trigger",
            "tmpfiles": "systemd-tmpfiles --create",
        }.get(self.kind, f"write {self.value or 'nothing'} to {self.path}")


@dataclass(frozen=True)
class Profile:
    name: str
    about: str
    settings: tuple[Setting, ...]

    def of_kind(self, *kinds: str) -> list[Setting]:
        return [one for one in self.settings if one.kind in kinds]


def folder() -> Path:
    """Where the profiles lie: beside the package, or where an installation puts them."""
    beside = Path(__file__).resolve().parents[3] / FOLDER
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "lonecore" / FOLDER


def names() -> list[str]:
    return sorted(path.stem for path in folder().glob("*.toml"))


def load(name: str, where: Path | None = None) -> Profile:
    """A profile, and what it extends in front of it. ApplianceError."""
    path = (where or folder()) / f"{name}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        known = ", ".join(names()) or "none"
        raise ApplianceError(f"no profile {name!r}: there are {known}, in {path.parent}") from None
    except (ValueError, RecursionError) as error:
        raise ApplianceError(f"{path}: not TOML: {error}") from None
    base = load(document["extends"], where).settings if "extends" in document else ()
    settings = base + tuple(_setting(path, entry) for entry in document.get("setting", []))
    ids = [one.id for one in settings]
    if len(set(ids)) < len(ids):
        raise ApplianceError(f"{path}: an id stands there twice")
    return Profile(document.get("name", name), document.get("about", ""), settings)


_FIELDS: Final = {one.name: one.type for one in fields(Setting)}


def _setting(path: Path, entry: Mapping[str, Any]) -> Setting:
    where = f"{path}: {entry.get('id', 'a setting without an id')}"
    if unknown := entry.keys() - _FIELDS.keys():
        raise ApplianceError(f"{where}: unknown key {min(unknown)}")
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    try:
        made = Setting(**known)
    except TypeError as error:
        raise ApplianceError(f"{where}: {error}") from None
    if made.kind not in KINDS:
        raise ApplianceError(f"{where}: kind {made.kind!r} is none of {', '.join(KINDS)}")
    return made
