"""The gate with one check removed, inverted or moved by one, many times: does a test notice?

Run as ``python -m tests.mutation.gate_mutants`` (options: ``--help``). Each mutant is the project's
source in a folder of its own with one change to one file, run uncompiled by the tests that judge
the gate. One that all of them pass is a check that nobody tests.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOT = Path("appliance/hot")
FILES = tuple(
    HOT / f"{name}.py"
    for name in (
        *("gate", "gate_limits", "gate_checks", "gate_exposure", "gate_account"),
        *("valuation", "price_window", "runaway", "risk_day", "risk_watch", "trading_state"),
    )
)
JUDGES = (
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/unit").glob("test_gate*.py")),
    "tests/unit/test_risk_watch.py",
    "tests/unit/test_trading_state.py",
    "tests/unit/test_price_window.py",
    "tests/unit/test_valuation.py",
    "tests/property/test_gate_oracle.py",
)
NEEDED = ("appliance", "tests", "pyproject.toml")
TIMEOUT_S = 300
OTHER_EDGE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@dataclass(frozen=True)
class Mutant:
    path: Path  # from the root of the project
    source: str
    what: str


def mutants(path: Path, source: str) -> Iterator[Mutant]:
    """Of each ``if``: never taken, taken when it should not be; each comparison on its other edge
    (or, for equality, its opposite)."""
    count = sum(isinstance(node, ast.If | ast.IfExp) for node in ast.walk(ast.parse(source)))
    for n in range(count):
        for how in ("removed", "inverted"):
            yield _changed_if(path, source, n, how)
    count = len(_comparisons(ast.parse(source)))
    for n in range(count):
        yield _changed_edge(path, source, n)


def _comparisons(tree: ast.Module) -> list[ast.Compare]:
    """All but those of identity."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    return [node for node in found if all(type(op) in OTHER_EDGE for op in node.ops)]


def _changed_if(path: Path, source: str, n: int, how: str) -> Mutant:
    tree = ast.parse(source)
    node = [node for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp)][n]
    what = f"{path.name}:{node.lineno}: {how}: {ast.unparse(node.test)}"
    if how == "removed":
        node.test = ast.copy_location(ast.Constant(False), node.test)
    else:
        node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    return Mutant(path, ast.unparse(ast.fix_missing_locations(tree)), what)


def _changed_edge(path: Path, source: str, n: int) -> Mutant:
    tree = ast.parse(source)
    node = _comparisons(tree)[n]
    before = ast.unparse(node)
    node.ops = [OTHER_EDGE[type(op)]() for op in node.ops]
    what = f"{path.name}:{node.lineno}: {before} became {ast.unparse(node)}"
    return Mutant(path, ast.unparse(ast.fix_missing_locations(tree)), what)


def survives(mutant: Mutant) -> bool:
    """Whether every judge passes it."""
    with tempfile.TemporaryDirectory(prefix="lonecore-mutant-") as folder:
        for name in NEEDED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, Path(folder, name), ignore=ignored)
            else:
                shutil.copy(source, folder)
        Path(folder, mutant.path).write_text(mutant.source)
        environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "LONECORE_GATE_N": "4000"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *JUDGES]
        result = subprocess.run(
            command,
            cwd=folder,
            env=environment | {"PYTHONPATH": folder},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    if result.returncode not in (0, 1, 2):
        raise RuntimeError(f"{mutant.what}: the tests did not run:\n{result.stdout[-2000:]}")
    return result.returncode == 0


def all_mutants() -> list[Mutant]:
    return [m for path in FILES for m in mutants(path, (ROOT / path).read_text())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th mutant")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N")
    options = parser.parse_args()
    untouched = Mutant(FILES[0], (ROOT / FILES[0]).read_text(), "nothing")
    if not survives(untouched):
        raise RuntimeError("the tests fail without a mutation, too")
    chosen = all_mutants()[:: options.every]
    survivors = []
    with ThreadPoolExecutor(options.workers) as pool:
        for n, (mutant, alive) in enumerate(zip(chosen, pool.map(survives, chosen), strict=True)):
            if alive:
                survivors.append(mutant.what)
                print(f"survived: {mutant.what}", flush=True)
            if n % 20 == 19:
                print(f"{n + 1} of {len(chosen)}", flush=True)
    print(f"{len(chosen)} mutants, {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
