"""Which cores a host has, which of them are isolated, and which could be."""

import contextlib
from collections.abc import Sequence
from typing import Final

from appliance.cold.errors import ApplianceError
from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.knobs import Tree
from appliance.cold.host.profile import Cores

_CPU: Final = "/sys/devices/system/cpu"
_SLICE: Final = "/sys/fs/cgroup/appliance.slice"


def online(tree: Tree) -> frozenset[int]:
    """ApplianceError: this tree does not tell."""
    try:
        return parse_list(tree.read(f"{_CPU}/online"))
    except (OSError, ValueError):
        raise ApplianceError(f"{tree.at(_CPU)}/online cannot be read: no tree of a host") from None


def isolated_now(tree: Tree) -> frozenset[int]:
    """From the boot on, or by a cpuset partition."""
    found: set[int] = set()
    for path in (f"{_CPU}/isolated", "/sys/fs/cgroup/cpuset.cpus.isolated"):
        with contextlib.suppress(OSError, ValueError):
            found |= parse_list(tree.read(path))
    with contextlib.suppress(OSError, ValueError):
        if tree.read(f"{_SLICE}/cpuset.cpus.partition") == "isolated":
            found |= parse_list(tree.read(f"{_SLICE}/cpuset.cpus.effective"))
    return frozenset(found)


def cores_of(isolated: frozenset[int], tree: Tree, hugepages: int = 0) -> Cores:
    """ApplianceError: these cores cannot be isolated on this host, and why."""
    there = online(tree)
    return checked(isolated, there, [_siblings(cpu, tree) for cpu in sorted(isolated)], hugepages)


def checked(
    isolated: frozenset[int],
    there: frozenset[int],
    siblings: Sequence[frozenset[int]],
    hugepages: int = 0,
) -> Cores:
    """The same of a host that told: the cores that are on line, the hyper-threads of each."""
    shown = list_text(isolated)
    if not isolated:
        raise ApplianceError("isolated cores: none: say which, as 2-3")
    if missing := isolated - there:
        raise ApplianceError(
            f"isolated cores {shown}: there is no core {list_text(missing)}; online are"
            f" {list_text(there)}"
        )
    if 0 in isolated:
        raise ApplianceError(
            f"isolated cores {shown}: core 0 is the boot core: it keeps the time for all others"
        )
    if there == isolated and there:
        raise ApplianceError(f"isolated cores {shown}: none is left for everything else that runs")
    for together in siblings:
        if together & isolated and (left_out := together - isolated):
            core = min(together & isolated)
            raise ApplianceError(
                f"isolated cores {shown}: core {core} shares its hardware with"
                f" {list_text(left_out)}: isolate both, and leave one of them idle"
            )
    return Cores(isolated, there - isolated, hugepages)


def _siblings(cpu: int, tree: Tree) -> frozenset[int]:
    """Hyper-threads of the same core, itself included."""
    for name in ("core_cpus_list", "thread_siblings_list"):
        with contextlib.suppress(OSError, ValueError):
            return parse_list(tree.read(f"{_CPU}/cpu{cpu}/topology/{name}"))
    return frozenset({cpu})
