"""What compiled code may not contain. The reasons: it would allocate, raise, or lose exactness."""

import ast
import sys

import pytest

from tests.tidy.source import (
    Function,
    Source,
    hot_sources,
    is_compiled,
    package_sources,
    python_sources,
)

THE_DECORATOR = "appliance/hot/jit.py"
# Ways to compile that are not ours. ``intrinsic`` and ``overload`` give meaning, not flags.
COMPILERS = {
    "jit",
    "njit",
    "vectorize",
    "guvectorize",
    "cfunc",
    "jitclass",
    "stencil",
    "generated_jit",
}
# fastmath lets NaN through comparisons; threads have no place on the loop's core.
FLAGS = {"fastmath", "parallel", "forceobj", "boundscheck", "_nrt", "error_model"}
# uint64 with a signed operand is a float64; objects and strings allocate.
NAMES = {"uint64", "print", "str", "repr", "dict", "list", "set", "object", "getattr", "setattr"}
NUMPY_MAKERS = {"array", "arange", "concatenate", "copy", "empty", "full", "ones", "zeros"}
STATEMENTS: dict[type[ast.AST], str] = {
    ast.Raise: "raises: return a reason code",
    ast.Assert: "asserts: optimised Python drops it, compiled code leaks when it fails",
    ast.Try: "handles exceptions: there are none",
    ast.With: "uses a context manager",
    ast.JoinedStr: "builds a string",
    ast.Dict: "makes a dict",
    ast.DictComp: "makes a dict",
    ast.List: "makes a list",
    ast.ListComp: "makes a list",
    ast.Set: "makes a set",
    ast.SetComp: "makes a set",
    ast.GeneratorExp: "makes a generator",
    ast.Yield: "is a generator",
    ast.Lambda: "makes a closure",
    ast.Global: "writes a global: state lives in records",
    ast.Div: "divides into a float: prices and quantities are integers (use // or a ratio)",
}
HOT_MAY_IMPORT = {"numpy", "numba", "llvmlite", "appliance", "typing", "collections", "enum"}
# Uncompiled twins and tables that are made before the loop.
HOT_IMPORTS_BESIDES = {
    "appliance/hot/cpu.py": {"time", "platform"},
    "appliance/hot/jit.py": set(),
    "appliance/hot/wire/foreign.py": {"ctypes"},
    "appliance/hot/wire/socket_io.py": {"ctypes"},
}
# The function may hold what the tests below would object to. Shrinks only.
EXEMPT: dict[str, set[str]] = {
    # Guesses of a simulation, fractions by their nature; no order is made of them.
    "appliance/hot/backtest/latency.py": {"_between"},
    "appliance/hot/backtest/queue.py": {"probability"},
}


def compiled_functions(source: Source) -> list[tuple[str, Function]]:
    return [(name, f) for name, f in source.functions() if is_compiled(f)]


def objections(function: Function) -> list[str]:
    found = []
    for node in (n for statement in function.body for n in ast.walk(statement)):
        line = getattr(node, "lineno", function.lineno)
        if why := STATEMENTS.get(type(node)):
            found.append(f"line {line} {why}")
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant):
            found.append(f"line {line} loops without a bound")
        if isinstance(node, ast.Name) and node.id in NAMES:
            found.append(f"line {line} uses {node.id}")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "np" and node.attr in NAMES | NUMPY_MAKERS:
                found.append(f"line {line} uses np.{node.attr}")
            if node.value.id in ("time", "logging", "os", "datetime"):
                found.append(f"line {line} uses {node.value.id}")
    return found


@pytest.mark.parametrize("source", hot_sources(), ids=lambda s: s.path)
def test_compiled_functions_cannot_allocate_raise_or_round(source: Source) -> None:
    exempt = EXEMPT.get(source.path, set())
    found = {
        name: said
        for name, function in compiled_functions(source)
        if name not in exempt and (said := objections(function))
    }
    assert not found, f"{source.path}: {found}"


def test_exemptions_are_still_needed() -> None:
    by_path = {s.path: dict(compiled_functions(s)) for s in hot_sources()}
    for path, names in EXEMPT.items():
        for name in names:
            function = by_path.get(path, {}).get(name)
            assert function is not None and objections(function), f"{path}: {name} needs none"


@pytest.mark.parametrize("source", package_sources(), ids=lambda s: s.path)
def test_one_decorator_sets_the_flags(source: Source) -> None:
    if source.path == THE_DECORATOR:
        return
    names = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(source.tree) if isinstance(n, ast.Attribute)}
    names |= {i.rsplit(".", 1)[-1] for i in source.imports() if i.startswith("numba")}
    assert not names & COMPILERS, f"{source.path} compiles past {THE_DECORATOR}"
    keywords = {k.arg for n in ast.walk(source.tree) if isinstance(n, ast.Call) for k in n.keywords}
    assert not keywords & FLAGS, f"{source.path} sets compiler flags past {THE_DECORATOR}"


@pytest.mark.parametrize("source", python_sources(), ids=lambda s: s.path)
def test_no_fast_maths_and_no_threads_anywhere(source: Source) -> None:
    """Tests, oracles and benchmarks included: what they compare would differ in the last bit."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            on = {
                k.arg
                for k in node.keywords
                if not (isinstance(k.value, ast.Constant) and k.value.value is False)
            }
            assert not on & {"fastmath", "parallel"}, f"{source.path}:{node.lineno}"
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert name != "prange", f"{source.path}:{node.lineno}"


@pytest.mark.parametrize("source", hot_sources(), ids=lambda s: s.path)
def test_hot_imports(source: Source) -> None:
    allowed = HOT_MAY_IMPORT | HOT_IMPORTS_BESIDES.get(source.path, set())
    packages = {name.split(".")[0] for name in source.imports()}
    assert packages <= allowed, f"{source.path} imports {packages - allowed}"


@pytest.mark.parametrize(
    "source",
    [s for s in package_sources() if s.path.startswith("appliance/abi/")],
    ids=lambda s: s.path,
)
def test_abi_imports(source: Source) -> None:
    """NumPy, the standard library, and itself: both processes can afford it."""
    for name in source.imports():
        package = name.split(".")[0]
        known = package == "numpy" or package in sys.stdlib_module_names
        assert known or name.startswith("appliance.abi"), f"{source.path} imports {name}"
