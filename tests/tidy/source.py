"""The project's files as the tidy tests see them: what git tracks or would track, parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("appliance", "sidecar")
HOT_DECORATORS = {"hot", "hot_inline"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its module name, its text and its tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function with its qualified name, methods and inner functions too."""
        yield from _functions(self.tree, "")

    def imports(self) -> set[str]:
        """Dotted names that this file imports; of ``from a import b`` both ``a`` and ``a.b``."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module, f"{self.path}: relative import"
                names |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        return names


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}{child.name}."
            if isinstance(child, Function):
                yield name.rstrip("."), child
        yield from _functions(child, name)


def decorator_names(function: Function) -> set[str]:
    """Last parts of the decorators' names: ``@a.b(c)`` is ``b``."""
    targets = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return {t.attr if isinstance(t, ast.Attribute) else getattr(t, "id", "") for t in targets}


def is_compiled(function: Function) -> bool:
    return bool(decorator_names(function) & HOT_DECORATORS)


def line_count(function: Function) -> int:
    """From ``def`` to the last line, docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@cache
def project_files() -> tuple[str, ...]:
    """Paths from the root of all files that git tracks, or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    # A tracked file that was just deleted is still listed.
    return tuple(sorted(p for p in set(listing.split("\0")) if p and (ROOT / p).is_file()))


@cache
def python_sources() -> tuple[Source, ...]:
    return tuple(_parse(path) for path in project_files() if path.endswith(".py"))


@cache
def package_sources() -> tuple[Source, ...]:
    """The Python files that are installed."""
    return tuple(s for s in python_sources() if s.path.split("/")[0] in PACKAGES)


@cache
def hot_sources() -> tuple[Source, ...]:
    return tuple(s for s in package_sources() if s.path.startswith("appliance/hot/"))


def _parse(path: str) -> Source:
    text = (ROOT / path).read_text()
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    return Source(path, module, text, ast.parse(text, path))
