"""Mistakes in a strategy: their line, and what to change."""

from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.strategy_loader import BUILT_IN, source_of
from appliance.cold.strategy_source import check_source, explain_compile_error

DEF = "def on_market(view, own, params, state, orders):\n"
FIELDS = {"view": ["bid_ticks", "ask_ticks"], "own": ["now_ns"], "params": [], "state": ["last_ns"]}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("    x = view.bid_tick\n", 2, ["view has no field bid_tick", "write view.bid_ticks"]),
        ("    x = view.zzz\n", 2, ["view has no field zzz", "api.py"]),
        ("    pass\n    state.last = 1\n", 3, ["state has no field last", "state.last_ns"]),
        ("    x = params.lots\n", 2, ["params has no field lots"]),
        ("    x = [1, 2]\n", 2, ["allocate"]),
        ("    x = {}\n", 2, ["allocate"]),
        ("    x = {k: 1 for k in range(3)}\n", 2, ["allocate"]),
        ("    x = sum(k for k in range(3))\n", 2, ["allocate"]),
        ("    x = 1\n    print('x')\n", 3, ["no text"]),
        ("    x = f'{view.bid_ticks}'\n", 2, ["no text"]),
        ("    assert view.bid_ticks\n", 2, ["nothing may be raised"]),
        ("    if own.now_ns:\n        raise ValueError\n", 3, ["nothing may be raised"]),
        ("    try:\n        pass\n    finally:\n        pass\n", 2, ["nothing may be raised"]),
        ("    f = lambda x: x\n", 2, ["move the function", "@hot"]),
        ("    def f():\n        pass\n", 2, ["move the function"]),
        ("    global SEEN\n    SEEN = 1\n", 2, ["STATE"]),
    ],
)
def test_what_has_no_place_in_the_loop(
    tmp_path: Path, body: str, line: int, words: list[str]
) -> None:
    path = written(tmp_path, DEF + body)
    with pytest.raises(ApplianceError) as told:
        check_source(path, FIELDS)
    quoted = (DEF + body).splitlines()[line - 1].strip()
    assert str(told.value).startswith(f"mine.py:{line}: `{quoted}` does not compile: ")
    for word in words:
        assert word in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        DEF + '    """Words about it."""\n    x = view.bid_ticks + own.now_ns\n',
        DEF + "    view = own\n    x = view.now_ns\n",  # another record under that name
        "NAMES = ['a']\nimport math\nimport numpy as np\n" + DEF + "    x = (1, 2)\n",
        "from appliance.hot.strategy.api import BUY\nfrom appliance.abi.market import Event\n"
        + DEF
        + "    pass\n",
        "x = 1\n",  # the loader says what is missing
    ],
)
def test_what_is_sound(tmp_path: Path, text: str) -> None:
    check_source(written(tmp_path, text), FIELDS)


@pytest.mark.parametrize(
    "line",
    [
        "import helpers",
        "from helpers import limit",
        "from . import helpers",
        "from appliance.cold import limits",
        "import appliance.cold.limits",
        "import pandas",
    ],
)
def test_compiled_code_must_not_depend_on_other_files(tmp_path: Path, line: str) -> None:
    """The cache's key has only the strategy's own file, abi and hot in it."""
    path = written(tmp_path, f"{DEF}    pass\n\n{line}\n")
    with pytest.raises(ApplianceError, match=r"mine\.py:4: imports .*one file"):
        check_source(path, FIELDS)


@pytest.mark.parametrize("name", BUILT_IN)
def test_ours_are_sound(name: str) -> None:
    check_source(source_of(name), {})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("NRT required\nDuring: typing of call at {path} (3)", 3, ["`b = 2`"]),
        ("x at {path} (2)\ny at {path} (3)", 3, ["`b = 2`"]),
        ('No luck\nFile "{path}", line 2:\n', 2, ["`a = 1`", "No luck"]),
        ('No luck\nFile "{path}.old", line 2:\n', 1, ["No luck"]),
        ('No luck\nFile "/other/mine.py", line 2:\n', 1, ["No luck"]),
        ("NameError: name 'b' is not defined", 3, ["the name b is not known"]),
        ("Untyped global name 'f': Cannot determine Numba type of <class 'function'>", 1, ["@hot"]),
        (
            "Unknown attribute 'time_ns' of type Module(<module 'time'",
            1,
            ["time.time_ns", "now_ns"],
        ),
        ("Cannot bind 'args=(1,2)'", 1, ["number of arguments"]),
        ("NRT required but not enabled", 1, ["allocate"]),
        ("Cannot unify int64 and none for 'x'", 1, ["once int64 and once none"]),
        ("", 1, ["use integers"]),
    ],
)
def test_what_the_compiler_says(tmp_path: Path, text: str, line: int, words: list[str]) -> None:
    path = written(tmp_path, DEF + "    a = 1\n    b = 2\n")
    told = explain_compile_error(Exception(text.format(path=path)), path, 1)
    assert told.startswith(f"mine.py:{line}: ")
    assert "\n" not in told and len(told) < 400
    for word in words:
        assert word in told
