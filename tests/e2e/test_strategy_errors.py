"""A strategy that will not do: one line with its file, its line, and what to change."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Appliance

HEAD = "from appliance.hot.strategy.api import BUY, GTC, Param, place\n"  # line 1
DEF = "def on_market(view, own, params, state, orders):\n"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own: what does not compile must not drive out what did."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param(
            HEAD + DEF + "    if view.bid_tick > 0:\n        return\n",
            ["mine.py:3:", "bid_tick", "write view.bid_ticks"],
            id="unknown field",
        ),
        pytest.param(
            HEAD + DEF + "    prices = [view.bid_ticks]\n",
            ["mine.py:3:", "prices = [view.bid_ticks]", "allocate", "state record"],
            id="list",
        ),
        pytest.param(
            "import numpy as np\n" + DEF + "    x = np.zeros(3)\n    x[0] = view.bid_ticks\n",
            ["mine.py:3:", "np.zeros(3)", "allocate"],
            id="array",
        ),
        pytest.param(
            HEAD + DEF + '    place(orders, "buy", view.bid_ticks, 1, GTC)\n',
            ["mine.py:3:", "no text", "BUY and SELL"],
            id="string",
        ),
        pytest.param(
            HEAD + DEF + "    if view.bid_ticks < 0:\n        raise ValueError\n",
            ["mine.py:4:", "nothing may be raised", "return"],
            id="raise",
        ),
        pytest.param(
            HEAD + DEF + "    place(orders, BUY, view.bid_ticks)\n",
            ["mine.py:3:", "place(orders, BUY, view.bid_ticks)", "number of arguments"],
            id="arguments of a call",
        ),
        pytest.param(
            HEAD + DEF + "    middle = (view.bid_ticks + view.ask_ticks) / 2\n"
            "    place(orders, BUY, middle, 1, GTC)\n",
            ["mine.py:4:", "place(orders, BUY, middle, 1, GTC)", "float64", "whole numbers", "//"],
            id="a price between two ticks",
        ),
        pytest.param(
            HEAD + DEF + "    pass\n    place(orders, BUY, limit, 1, GTC)\n",
            ["mine.py:4:", "the name limit is not known"],
            id="unknown name",
        ),
        pytest.param(
            "def twice(x):\n    return 2 * x\n" + DEF + "    own.now_ns == twice(view.bid_ticks)\n",
            ["mine.py:4:", "twice is plain Python", "@hot"],
            id="plain function",
        ),
        pytest.param(
            HEAD + "def on_market(view, own, params, orders):\n    pass\n",
            ["mine.py:2:", "(view, own, params, orders)", "(view, own, params, state, orders)"],
            id="signature",
        ),
        pytest.param(HEAD, ["mine.py", "no function on_market"], id="no function"),
        pytest.param(HEAD + DEF + "    if x\n", ["mine.py:3", "SyntaxError"], id="syntax"),
        pytest.param(
            HEAD + "LIMIT = 1 // 0\n" + DEF + "    pass\n",
            ["mine.py:2", "ZeroDivisionError"],
            id="exception at import",
        ),
        pytest.param(
            "import helpers\n" + DEF + "    pass\n",
            ["mine.py:1", "helpers"],
            id="import of another file",
        ),
        pytest.param(
            HEAD + 'PARAMS = {"lots": Param(0, 1, 10, "x")}\n' + DEF + "    pass\n",
            ["mine.py", "lots is 0", "1 to 10"],
            id="default out of range",
        ),
        pytest.param(
            HEAD + 'PARAMS = {"lots": 5}\n' + DEF + "    pass\n",
            ["mine.py", "PARAMS['lots']", "Param(default, least, greatest"],
            id="no Param",
        ),
        pytest.param(
            HEAD + 'STATE = {"last": "none"}\n' + DEF + "    pass\n",
            ["mine.py", "STATE['last']", "number"],
            id="state that is no number",
        ),
    ],
)
def test_a_strategy_that_will_not_do(
    appliance: Appliance,
    session_file: Path,
    tmp_path: Path,
    elsewhere: Path,
    source: str,
    words: list[str],
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    done = appliance("replay", session_file, "--strategy", path, LONECORE_CACHE=str(elsewhere))
    said = done.refused(*words)
    assert "numba" not in said.lower() and "nopython" not in said and len(said) < 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--strategy", "magic"], ["no strategy 'magic'", "market_maker", ".py file"]),
        (["--strategy", "/tmp"], ["no strategy '/tmp'"]),
        (["--params", "magic=1"], ["no parameter 'magic'", "quote_lots"]),
        (["--params", "quote_lots=0"], ["quote_lots is 0", "1 to"]),
        (["--params", "quote_lots=ten"], ["quote_lots=ten", "a whole number"]),
        (["--params", "quote_lots=1.5"], ["quote_lots=1.5", "a whole number"]),
        (["--params", f"quote_lots={10**30}"], ["quote_lots is 1000"]),
    ],
)
def test_parameters_that_will_not_do(
    appliance: Appliance, session_file: Path, arguments: list[str], words: list[str]
) -> None:
    appliance("replay", session_file, *arguments).refused(*words)
