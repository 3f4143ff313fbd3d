"""What is wrong with a strategy's source: the line of it, and what to change.

Most of it is seen in the source alone. The compiler would take longer, often name no line, and let
an exception pass that then ends the loop.
"""

import ast
import difflib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from appliance.cold.errors import ApplianceError

_ALLOWED_IMPORTS: Final = sys.stdlib_module_names | {"numpy", "appliance.abi", "appliance.hot"}

LEVEL_FIELDS: Final = ("bid_n", "ask_n", "bids_ticks", "bids_lots", "asks_ticks", "asks_lots")
_NO_MEMORY: Final = "it would allocate memory; use plain numbers and the state record"
_NO_RAISE: Final = "nothing may be raised in the loop; check with if, and return"
_NO_FUNCTION: Final = "move the function out of on_market and decorate it with @hot"
_NO_TEXT: Final = "there is no text in the loop; use numbers, such as BUY and SELL"
_NO_GLOBAL: Final = "it cannot be kept there; what changes belongs into STATE"
_UNFIT: Final[tuple[tuple[tuple[type[ast.AST], ...], str], ...]] = (
    ((ast.Raise, ast.Assert, ast.Try, ast.TryStar, ast.With), _NO_RAISE),
    ((ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp), _NO_MEMORY),
    ((ast.GeneratorExp, ast.Yield, ast.YieldFrom), _NO_MEMORY),
    ((ast.FunctionDef, ast.Lambda, ast.ClassDef), _NO_FUNCTION),
    ((ast.JoinedStr,), _NO_TEXT),
    ((ast.Global, ast.Nonlocal), _NO_GLOBAL),
)


def check_source(source: Path, fields: Mapping[str, Sequence[str]]) -> None:
    """Raises ApplianceError for the first thing in ``on_market`` that has no place in the loop.

    ``fields``: the names of the fields of each argument that is a record.
    """
    tree = ast.parse(source.read_bytes())
    _check_imports(source, tree)
    function = _on_market(tree)
    if function is None:
        return
    body = function.body[ast.get_docstring(function) is not None :]
    assigned = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    known = {name: names for name, names in fields.items() if name not in assigned}
    for node in _in_order(body):
        advice = _unfit(node) or _unknown_field(node, known)
        if advice:
            raise ApplianceError(_told(source, node.lineno, advice))


def reads_levels(source: Path) -> bool:
    """Whether the file names anything of a view's levels: a strategy is one file."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in LEVEL_FIELDS
        for node in ast.walk(ast.parse(source.read_bytes()))
    )


def explain_compile_error(error: Exception, source: Path, first_line: int) -> str:
    """One line for the user from what the compiler said of ``on_market`` at ``first_line``."""
    text = str(error)
    path = re.escape(str(source))
    lines = [int(line) for line in re.findall(rf"at {path} \((\d+)\)", text)]
    for shown, line in re.findall(r'File "([^"]+)", line (\d+)', text):
        if not lines and Path(shown).resolve() == source:
            lines.append(int(line))
    advice = _advice(text)
    return _told(source, lines[-1] if lines else _line_of_name(source, text, first_line), advice)


def _told(source: Path, line: int, advice: str) -> str:
    code = source.read_text(encoding="utf-8", errors="replace").splitlines()
    quoted = code[line - 1].strip() if 0 < line <= len(code) else ""
    return f"{source.name}:{line}: `{quoted}` does not compile: {advice}"


def _check_imports(source: Path, tree: ast.Module) -> None:
    """Compiled code is kept under a hash of the strategy's file, abi and hot: of nothing else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] not in _ALLOWED_IMPORTS and ".".join(parts[:2]) not in _ALLOWED_IMPORTS:
                raise ApplianceError(
                    f"{source.name}:{node.lineno}: imports {name}; a strategy is one file, which"
                    " may import appliance.hot, appliance.abi, numpy and the standard library"
                )


def _on_market(tree: ast.Module) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "on_market"]
    return found[-1] if found else None


Located = ast.stmt | ast.expr


def _in_order(body: Sequence[ast.stmt]) -> Iterator[Located]:
    nodes = [n for s in body for n in ast.walk(s) if isinstance(n, ast.stmt | ast.expr)]
    return iter(sorted(nodes, key=lambda node: (node.lineno, node.col_offset)))


def _unfit(node: Located) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return _NO_TEXT
    return next((advice for kinds, advice in _UNFIT if isinstance(node, kinds)), None)


def _unknown_field(node: Located, fields: Mapping[str, Sequence[str]]) -> str | None:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return None
    record, name = node.value.id, node.attr
    if record not in fields or name in fields[record]:
        return None
    close = difflib.get_close_matches(name, fields[record], 1)
    where = f"write {record}.{close[0]}" if close else "see the list in strategy/api.py"
    return f"{record} has no field {name}; {where}"


def _line_of_name(source: Path, text: str, first_line: int) -> int:
    """Of a name that the compiler does not know, and whose line it does not tell."""
    named = re.search(r"name '(\w+)'", text)
    if named:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines[first_line - 1 :], first_line):
            if re.search(rf"\b{named[1]}\b", line):
                return number
    return first_line


_ADVICE: Final = (
    (
        r"Untyped global name '(\w+)': Cannot determine Numba type of <class 'function'>",
        "{0} is plain Python; decorate it with @hot of strategy/api.py",
    ),
    (
        r"Untyped global name '(\w+)'|NameError: name '(\w+)'|global name '(\w+)' is not defined",
        "the name {0} is not known here",
    ),
    (
        r"Unknown attribute '?(\w+)'? of type Module\(<module '(\w+)'",
        "{1}.{0} cannot be used in the loop; the time is own.now_ns",
    ),
    (
        r"(\w+) is no whole number",  # hot/strategy/whole.py
        "a price, quantity or order that is a {0}; they are whole numbers: round with // or int()",
    ),
    (r"Unknown attribute '?(\w+)'?", "there is no field {0}; see the list in strategy/api.py"),
    (r"Cannot bind 'args=", "wrong number of arguments; see the function in strategy/api.py"),
    (r"assigned to variable '(\w+)' in globals", "{0} is a global that changes; use STATE"),
    (r"NRT required but not enabled|allocat|Only accept returning of array", _NO_MEMORY),
    (r"Cannot unify ([^ ]+) and ([^ ]+)", "a name is once {0} and once {1}; give it one type"),
    (
        r"Use of unsupported opcode|unsupported",
        "this Python is not compiled; use loops and arithmetic on integers",
    ),
)


def _advice(text: str) -> str:
    for pattern, advice in _ADVICE:
        found = re.search(pattern, text)
        if found:
            words = [group for group in found.groups() if group]
            return advice.format(*words)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Failed in nopython")]
    reason = told[0] if told else type(text).__name__
    return f"{reason[:160]}; use integers, loops and the functions of strategy/api.py"
