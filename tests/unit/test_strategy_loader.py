"""Strategies are found, checked, and their numbers become records."""

from pathlib import Path

import pytest

from appliance.abi.market import Event
from appliance.cold.errors import ApplianceError
from appliance.cold.strategy_loader import BUILT_IN, load_strategy, make_state, source_of

HEAD = "from appliance.hot.strategy.api import Param\n"
END = "def on_market(view, own, params, state, orders):\n    pass\n"


@pytest.fixture
def mine(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(text: str, name: str = "mine.py") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def refused(name: str, *words: str, **params: str) -> None:
    with pytest.raises(ApplianceError) as told:
        load_strategy(name, params)
    for word in words:
        assert word in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_those_that_come_along(name: str) -> None:
    strategy = load_strategy(name, {})
    assert (strategy.name, strategy.source) == (name, source_of(name))
    assert strategy.source.is_file()
    assert make_state(strategy, 3).shape == (3,)


def test_parameters_become_a_record(mine) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + 'PARAMS = {"lots": Param(5, 1, 9, "x"), "lean": Param(0.5, 0, 1, "y")}\n' + END
    strategy = load_strategy(mine(text), {"lots": "7"})
    assert strategy.values == {"lots": 7, "lean": 0.5}
    assert (strategy.params[0].lots, strategy.params[0].lean) == (7, 0.5)
    assert strategy.params.dtype["lots"] == "i8" and strategy.params.dtype["lean"] == "f8"
    assert load_strategy(mine(text), {"lean": "0.25"}).values["lean"] == 0.25


def test_state_starts_at_its_values(mine) -> None:  # type: ignore[no-untyped-def]
    strategy = load_strategy(mine('STATE = {"last_ns": -1, "mean": 2.5}\n' + END), {})
    state = make_state(strategy, 2)
    assert state["last_ns"].tolist() == [-1, -1] and state["mean"].tolist() == [2.5, 2.5]


def test_neither_parameters_nor_state(mine) -> None:  # type: ignore[no-untyped-def]
    strategy = load_strategy(mine(END), {})
    assert strategy.values == {} and len(make_state(strategy, 1)) == 1


@pytest.mark.parametrize("name", ["magic", "no/such.py", "", "."])
def test_none_of_that_name(name: str) -> None:
    refused(name, "no strategy", "market_maker")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", ["no function on_market"]),
        ("on_market = 5\n", ["no function on_market"]),
        ("def on_market(view):\n    pass\n", ["mine.py:1", "(view)"]),
        ("\nraise RuntimeError('bang')\n", ["mine.py:2", "RuntimeError: bang"]),
        ("def on_market(:\n", ["mine.py:1", "SyntaxError"]),
        ("import no_such_module_anywhere\n" + END, ["mine.py:1", "no_such_module_anywhere"]),
        ("PARAMS = 5\n" + END, ["PARAMS must be a dict"]),
        ("PARAMS = {'a': 5}\n" + END, ["PARAMS['a']", "Param("]),
        (HEAD + "PARAMS = {'a': Param('5', 1, 9, '')}\n" + END, ["PARAMS['a']", "ints or floats"]),
        (HEAD + "PARAMS = {'a': Param(5, '1', 9, '')}\n" + END, ["PARAMS['a']", "ints or floats"]),
        (HEAD + "PARAMS = {'a': Param(True, 0, 1, '')}\n" + END, ["ints or floats"]),
        (HEAD + "PARAMS = {'a': Param(0, 1, 9, '')}\n" + END, ["a is 0", "1 to 9"]),
        (HEAD + "PARAMS = {'a b': Param(1, 1, 9, '')}\n" + END, ["'a b'", "plain name"]),
        (HEAD + "PARAMS = {'a': Param(2**63, 1, 2**64, '')}\n" + END, ["more than an int64"]),
        ("STATE = [1]\n" + END, ["STATE must be a dict"]),
        ("STATE = {'a': None}\n" + END, ["STATE['a']", "number"]),
        ("STATE = {'a': -2**70}\n" + END, ["STATE['a']", "more than an int64"]),
    ],
)
def test_what_will_not_do(mine, text, words) -> None:  # type: ignore[no-untyped-def]
    refused(mine(text), *words)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"magic": "1"}, ["no parameter 'magic'", "lots, lean"]),
        ({"lots": "x"}, ["lots=x", "a whole number"]),
        ({"lots": "1.5"}, ["a whole number"]),
        ({"lots": "10"}, ["lots is 10", "1 to 9"]),
        ({"lean": "x"}, ["lean=x", "a number"]),
        ({"lean": "nan"}, ["lean is nan", "0 to 1"]),
        ({"lean": "inf"}, ["lean is inf"]),
    ],
)
def test_assignments_that_will_not_do(mine, params, words) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + 'PARAMS = {"lots": Param(5, 1, 9, ""), "lean": Param(0.5, 0, 1, "")}\n' + END
    refused(mine(text), *words, **params)


def test_too_many_parameters(mine) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + "PARAMS = {f'p{n}': Param(1, 1, 9, '') for n in range(33)}\n" + END
    refused(mine(text), "at most 32")


def test_when_a_strategy_is_asked(mine) -> None:  # type: ignore[no-untyped-def]
    head = "from appliance.hot.strategy.api import TICKER, TIMER\n"
    strategy = load_strategy(mine(head + "TIMER_NS = 5_000_000\nEVENTS = (TIMER,)\n" + END), {})
    assert (strategy.events, strategy.timer_ns) == (1 << Event.TIMER, 5_000_000)
    both = load_strategy(mine(head + "TIMER_NS = 1_000_000\nEVENTS = (TICKER, TIMER)\n" + END), {})
    assert both.events == 1 << Event.TIMER | 1 << Event.TICKER
    assert load_strategy(mine(END), {}).events == sum(1 << event for event in Event)
    for text, said in (
        ("TIMER_NS = 5\n", "TIMER_NS is 5"),
        ("TIMER_NS = 5.0e6\n", "TIMER_NS is 5000000.0"),
        ("EVENTS = (TIMER,)\n", "there is no TIMER_NS"),
        ("TIMER_NS = 5_000_000\nEVENTS = (TICKER,)\n", "no TIMER among its EVENTS"),
        ("EVENTS = ()\n", "must be a tuple of some of DEPTH"),
        ("EVENTS = (99,)\n", "must be a tuple of some of DEPTH"),
        ("EVENTS = TICKER\n", "must be a tuple of some of DEPTH"),
    ):
        refused(mine(head + text + END), said)


def test_who_looks_at_levels(mine) -> None:  # type: ignore[no-untyped-def]
    assert not load_strategy(mine(END), {}).reads_levels
    text = "def on_market(view, own, params, state, orders):\n    state.a = view.bids_ticks[0]\n"
    assert load_strategy(mine('STATE = {"a": 0}\n' + text), {}).reads_levels
    assert load_strategy("imbalance_taker", {}).reads_levels
