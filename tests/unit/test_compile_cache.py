"""Whatever the machine code depends on is in the key."""

import os
import shutil
import sys
from pathlib import Path

import numba
import pytest

from appliance.cold import compile_cache
from appliance.cold.compile_cache import (
    COMPLETE,
    KEYS_KEPT,
    LIVE,
    cache_key,
    cache_root,
    prepare,
)
from appliance.cold.errors import ApplianceError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is hashed."""
    copy = tmp_path / "appliance"
    for part in ("abi", "hot"):
        shutil.copytree(compile_cache.PACKAGE / part, copy / part)
    monkeypatch.setattr(compile_cache, "PACKAGE", copy)
    return copy


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text("LIMIT = 10\n")
    return path


def test_every_byte_of_the_source_counts(package: Path, strategy: Path) -> None:
    key = cache_key(strategy)
    assert key == cache_key(strategy) and len(key) == 32
    seen = {key}
    for path in (
        package / "abi" / "limits.py",
        package / "hot" / "gate.py",
        package / "hot" / "decode" / "frame.py",
        strategy,
    ):
        text = path.read_text()
        path.write_text(text.replace("1", "2", 1))
        seen.add(cache_key(strategy))
        path.write_text(text)
        assert cache_key(strategy) == key
    assert len(seen) == 5


def test_files_and_names_count(package: Path, strategy: Path) -> None:
    key = cache_key(strategy)
    (package / "hot" / "more.py").write_text("")
    more = cache_key(strategy)
    (package / "hot" / "more.py").rename(package / "hot" / "other.py")
    renamed = cache_key(strategy)
    other = strategy.rename(strategy.with_name("other.py"))
    assert len({key, more, renamed, cache_key(other)}) == 4


def test_what_is_cold_does_not_count(package: Path, strategy: Path) -> None:
    key = cache_key(strategy)
    (package / "cold").mkdir()
    (package / "cold" / "new.py").write_text("x = 1\n")
    assert cache_key(strategy) == key


@pytest.mark.parametrize("flag", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "NUMBA_OPT"])
def test_flags_count(flag: str, strategy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(flag, raising=False)
    key = cache_key(strategy)
    monkeypatch.setenv(flag, "1")
    assert cache_key(strategy) != key


@pytest.mark.parametrize("name", ["numba", "llvmlite", "numpy"])
def test_versions_count(name: str, strategy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache_key(strategy)
    real = compile_cache.version
    monkeypatch.setattr(
        compile_cache, "version", lambda asked: real(asked) + ".1" * (asked == name)
    )
    assert cache_key(strategy) != key


def test_the_processor_counts(strategy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache_key(strategy)
    monkeypatch.setattr(compile_cache, "_processor", lambda: "another one")
    assert cache_key(strategy) != key


def test_a_processor_that_is_named_counts_instead(
    strategy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code for it may be made elsewhere; a name without its features is not enough."""
    here, there = strategy.with_name("here"), strategy.with_name("there")
    here.write_text("model name : here\n")
    there.write_text("model name : there\n")

    def on(cpuinfo: Path) -> str:
        monkeypatch.setattr(compile_cache, "_CPUINFO", cpuinfo)
        return cache_key(strategy)

    monkeypatch.setenv("NUMBA_CPU_NAME", "nehalem")
    assert on(here) != on(there)
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+sse4.2")
    named = on(here)
    assert on(there) == named
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx2")
    assert on(there) != named


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LONECORE_CACHE", "CACHE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "lonecore"
    for name, wanted in (
        ("XDG_CACHE_HOME", "x/lonecore"),
        ("CACHE_DIRECTORY", "c"),
        ("LONECORE_CACHE", "l"),
    ):
        monkeypatch.setenv(name, str(tmp_path / name[0].lower()))
        assert cache_root() == tmp_path / wanted


def test_too_late_once_numba_is_there(strategy: Path) -> None:
    assert numba.__name__ in sys.modules
    with pytest.raises(RuntimeError, match="before Numba"):
        prepare(strategy)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if Numba were not imported yet; the cache's root."""
    monkeypatch.delitem(sys.modules, "numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setenv("LONECORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_warm_when_it_was_completed(early: Path, strategy: Path) -> None:
    cache = prepare(strategy)
    directory = cache.directory
    assert directory == early / cache_key(strategy) and directory.is_dir() and not cache.warm
    assert os.environ["NUMBA_CACHE_DIR"] == str(directory)
    assert prepare(strategy) == cache  # a start that failed completes nothing
    cache.complete()
    assert [path.name.startswith(f"{COMPLETE}-replay") for path in directory.iterdir()] == [True]
    assert prepare(strategy).warm and not prepare(strategy, LIVE).warm


def test_the_same_source_elsewhere_is_compiled_again(
    early: Path, strategy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numba finds code by the path of its source."""
    prepare(strategy).complete()
    moved = tmp_path / "next" / strategy.name
    moved.parent.mkdir()
    shutil.copy(strategy, moved)
    assert prepare(moved).directory == prepare(strategy).directory
    assert prepare(strategy).warm and not prepare(moved).warm
    release = tmp_path / "release"
    for part in ("abi", "hot"):
        shutil.copytree(compile_cache.PACKAGE / part, release / part)
    monkeypatch.setattr(compile_cache, "PACKAGE", release)
    assert not prepare(strategy).warm


def test_those_not_used_for_longest_are_forgotten(early: Path, strategy: Path) -> None:
    mine = prepare(strategy).directory
    os.utime(mine, (1, 1))
    for number in range(KEYS_KEPT + 3):
        other = early / f"other-{number}"
        (other / "deep").mkdir(parents=True)
        os.utime(other, (1000 + number, 1000 + number))
    (early / "lock").touch()
    prepare(strategy)
    left = {path.name for path in early.iterdir()}
    assert left == {mine.name, "lock"} | {f"other-{n}" for n in range(3, KEYS_KEPT + 3)}
    new = strategy.rename(strategy.with_name("new.py"))
    prepare(new)  # mine was used just now, so an older one goes
    assert mine.exists() and not (early / "other-3").exists()


def test_no_place(early: Path, strategy: Path) -> None:
    early.write_text("a file")
    with pytest.raises(ApplianceError, match="LONECORE_CACHE"):
        prepare(strategy)
