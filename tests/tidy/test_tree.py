"""The tree: nothing dead, nothing untested, and each part imports only what it may."""

import re
import subprocess
import sys

import pytest

from tests.tidy.source import ROOT, Source, package_sources, project_files, python_sources

TOP_LEVEL = {
    *(".ci", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile", "README.md"),
    *("ansible", "appliance", "benchmarks", "kernel-tuning", "pyproject.toml", "requirements"),
    *("sidecar", "tests"),
}
TARGETS_MAX = 12

# Run by name, not by import: the commands, and the strategies that a user picks.
ENTRY_POINTS = re.compile(
    r"appliance\.__main__|sidecar(\.grafana)?\.__main__|appliance\.cold\.(\w+_commands?|top)"
    r"|appliance(\.\w+)*\.strateg\w+\.\w+"
    r"|appliance\.cold\.host\.(render|manual|release)"  # python3 -m, on a controller
    r"|appliance\.cold\.bench\.device"  # likewise, by the one that measures it
)
# Nothing uses these yet. Shrinks only: an entry that is used, or gone, fails.
PENDING_USE: set[str] = set()
# No test names these yet. Shrinks only: an entry that is tested, or gone, fails.
PENDING_TEST: set[str] = set()


def _documents_only(source: Source) -> bool:
    """A package's __init__ with nothing but a docstring."""
    return source.path.endswith("__init__.py") and len(source.tree.body) <= 1


def modules() -> list[Source]:
    return [s for s in package_sources() if not _documents_only(s)]


def used_modules() -> set[str]:
    return {
        name
        for source in package_sources()
        for name in source.imports()
        if not name.startswith(f"{source.module}.")
    }


def names_in_tests() -> set[str]:
    """Modules that a test file imports, or starts by name."""
    tests = [s for s in python_sources() if s.path.startswith("tests/") and "/test_" in s.path]
    imported = {name for source in tests for name in source.imports()}
    text = "\n".join(source.text for source in tests)
    return imported | set(re.findall(r"(?:appliance|sidecar)(?:\.\w+)+", text))


def test_no_dead_modules() -> None:
    names = {s.module for s in modules() if not ENTRY_POINTS.fullmatch(s.module)}
    unused = names - used_modules()
    assert unused <= PENDING_USE, f"nothing imports {sorted(unused - PENDING_USE)}"
    assert unused >= PENDING_USE, f"take {sorted(PENDING_USE - unused)} out of PENDING_USE"


def test_every_module_has_a_test() -> None:
    """abi is tested as a whole by its layout; hot, cold and the sidecar file by file."""
    names = {s.module for s in modules() if not s.module.startswith("appliance.abi.")}
    untested = names - names_in_tests()
    assert untested <= PENDING_TEST, f"no test names {sorted(untested - PENDING_TEST)}"
    assert untested >= PENDING_TEST, f"take {sorted(PENDING_TEST - untested)} out of PENDING_TEST"


def test_top_level_is_fixed() -> None:
    found = {path.split("/")[0] for path in project_files()}
    assert found == TOP_LEVEL, f"more: {found - TOP_LEVEL}, missing: {TOP_LEVEL - found}"


@pytest.mark.parametrize("path", ["appliance/__init__.py", "sidecar/__init__.py"])
def test_package_roots_are_empty(path: str) -> None:
    """What stands there, everybody who imports any part of the package pays for."""
    assert (ROOT / path).read_text() == ""


@pytest.mark.parametrize(
    "module",
    [
        s.module
        for s in package_sources()
        if s.path.startswith(("sidecar/", "appliance/abi/")) and not s.module.endswith("__main__")
    ],
)
def test_abi_and_sidecar_do_without_the_compiler(module: str) -> None:
    heavy = "{'numba', 'llvmlite', 'simdjson', 'appliance.hot', 'appliance.cold'}"
    script = f"import sys, {module}; sys.exit(str(sorted({heavy} & set(sys.modules)) or ''))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stderr.strip() == "", f"{module}: {run.stderr}"


def makefile_targets() -> dict[str, str]:
    """Target -> its line of help; of those that people type."""
    text = (ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z][\w-]*):[^=\n]*?(?:## (.*))?$", text, re.MULTILINE))


def test_make_targets_are_few_and_explained() -> None:
    targets = makefile_targets()
    assert len(targets) <= TARGETS_MAX
    assert all(targets.values()), f"without a line of help: {targets}"
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony and set(phony[1].split()) == set(targets)


@pytest.mark.parametrize("path", [p for p in project_files() if p.endswith(".md")])
def test_documented_make_targets_exist(path: str) -> None:
    """Only what stands as code (in backticks or indented) is a command."""
    text = (ROOT / path).read_text()
    named = re.findall(r"(?:`|^(?: {4,}|\t)\$? ?|^\$ )make ([a-z][\w-]*)", text, re.MULTILINE)
    assert set(named) <= set(makefile_targets())


def test_a_newcomer_is_told_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
    assert re.search(r"make .*\btest\b", (ROOT / ".ci/run").read_text())
