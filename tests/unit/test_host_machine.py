"""appliance.cold.host.cpus, appliance.cold.host.machine: sets of cores, which may be isolated."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.errors import ApplianceError
from appliance.cold.host.cpus import list_text, mask_text, parse_list, parse_mask
from appliance.cold.host.knobs import Tree
from appliance.cold.host.machine import cores_of, isolated_now

CPU = "sys/devices/system/cpu"


@given(st.frozensets(st.integers(0, 300)))
def test_lists_and_masks_go_there_and_back(cpus: frozenset[int]) -> None:
    assert parse_list(list_text(cpus)) == cpus
    assert parse_mask(mask_text(cpus)) == cpus


@pytest.mark.parametrize(
    ("cpus", "as_list", "as_mask"),
    [
        ({0}, "0", "1"),
        ({0, 1, 2, 5}, "0-2,5", "27"),
        ({32}, "32", "1,00000000"),
        (set(range(64)), "0-63", "ffffffff,ffffffff"),
        (set(), "", "0"),
    ],
)
def test_as_the_kernel_writes_them(cpus: set[int], as_list: str, as_mask: str) -> None:
    assert (list_text(cpus), mask_text(cpus)) == (as_list, as_mask)


def test_none_and_nonsense() -> None:
    assert parse_list("(null)\n") == parse_list("") == frozenset()
    for text in ("a", "1-", "-1", "3-1", "1,,2", "99999999", "0x3", "1 2"):
        with pytest.raises(ValueError, match="no list of CPUs"):
            parse_list(text)


def host(root: Path, online: str, **siblings: str) -> Tree:
    (root / CPU).mkdir(parents=True)
    (root / CPU / "online").write_text(online + "\n")
    for name, text in siblings.items():
        (root / CPU / name / "topology").mkdir(parents=True)
        (root / CPU / name / "topology" / "core_cpus_list").write_text(text + "\n")
    return Tree(root)


def test_cores_that_may_be_isolated(tmp_path: Path) -> None:
    tree = host(tmp_path, "0-3", cpu2="2-3", cpu3="2-3")
    cores = cores_of(frozenset({2, 3}), tree, 5)
    assert (cores.isolated, cores.housekeeping, cores.hugepages) == ({2, 3}, {0, 1}, 5)


@pytest.mark.parametrize(
    ("isolated", "said"),
    [
        ({7}, "there is no core 7; online are 0-3"),
        ({0}, "core 0 is the boot core"),
        ({0, 1, 2, 3}, "core 0 is the boot core"),
        ({2}, "core 2 shares its hardware with 3: isolate both"),
    ],
)
def test_cores_that_may_not(tmp_path: Path, isolated: set[int], said: str) -> None:
    tree = host(tmp_path, "0-3", cpu1="0-1", cpu2="2-3", cpu3="2-3")
    with pytest.raises(ApplianceError, match=said):
        cores_of(frozenset(isolated), tree)


def test_one_must_be_left(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="none is left"):
        cores_of(frozenset({1, 2}), host(tmp_path, "1-2"))
    with pytest.raises(ApplianceError, match="no tree of a host"):
        cores_of(frozenset({1}), Tree(tmp_path / "none"))


def test_what_is_isolated_now(tmp_path: Path) -> None:
    tree = host(tmp_path, "0-7")
    assert isolated_now(tree) == frozenset()
    (tmp_path / CPU / "isolated").write_text("2-3\n")
    partition = tmp_path / "sys/fs/cgroup/appliance.slice"
    partition.mkdir(parents=True)
    (partition / "cpuset.cpus.effective").write_text("5\n")
    (partition / "cpuset.cpus.partition").write_text("member\n")
    assert isolated_now(tree) == {2, 3}
    (partition / "cpuset.cpus.partition").write_text("isolated\n")
    assert isolated_now(tree) == {2, 3, 5}
    (tmp_path / "sys/fs/cgroup/cpuset.cpus.isolated").write_text("6\n")
    assert isolated_now(tree) == {2, 3, 5, 6}
