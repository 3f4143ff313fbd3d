"""appliance.cold.sweep.space: what --vary may say; appliance.cold.sweep.search: periods, splits."""

from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.sweep.search import _splits, periods_of
from appliance.cold.sweep.space import combinations


def test_a_grid_is_every_combination() -> None:
    assert combinations(["a=1,2", "b=5,6"], None, 1) == [
        {"a": "1", "b": "5"},
        {"a": "1", "b": "6"},
        {"a": "2", "b": "5"},
        {"a": "2", "b": "6"},
    ]
    assert [one["a"] for one in combinations(["a=0.1:0.7:0.2"], None, 1)] == [
        *("0.1", "0.3", "0.5", "0.7")
    ]
    assert [one["a"] for one in combinations(["a=10:30:10"], None, 1)] == ["10", "20", "30"]
    assert [one["a"] for one in combinations(["a=-2:2:2"], None, 1)] == ["-2", "0", "2"]
    assert len(combinations(["a=3,3,3"], None, 1)) == 1


def test_at_random_the_seed_decides() -> None:
    varied = ["a=1:50", "b=0.5:1.5", "c=7,8"]
    made = combinations(varied, 40, 3)
    assert made == combinations(varied, 40, 3) != combinations(varied, 40, 4)
    assert len({tuple(one.items()) for one in made}) == 40
    assert all(1 <= int(one["a"]) <= 50 and 0.5 <= float(one["b"]) <= 1.5 for one in made)
    assert {one["c"] for one in made} == {"7", "8"}
    assert len(combinations(["a=1:3"], 10, 1)) == 3, "there are no more"
    assert len(combinations(["a=1:9:2"], 10, 1)) == 5


@pytest.mark.parametrize(
    ("varied", "said"),
    [
        (["a"], "give NAME=VALUES"),
        (["=1"], "give NAME=VALUES"),
        (["a="], "give NAME=VALUES"),
        (["a=1,x"], "'x' is not a number"),
        (["a=1,,2"], "'' is not a number"),
        (["a=nan"], "'nan' is not a number"),
        (["a=1:2:3:4"], "FIRST:LAST:STEP"),
        (["a=5:1:1"], "does not rise"),
        (["a=1:5:0"], "does not rise"),
        (["a=1:5"], "for --random"),
        (["a=1", "a=2"], "stands there twice"),
        (["a=0:1:0.000001"], "values"),
        (["a=1:1000:1", "b=1:1000:1"], "combinations"),
    ],
)
def test_what_says_nothing(varied: list[str], said: str) -> None:
    with pytest.raises(ApplianceError, match=said):
        combinations(varied, None, 1)


def test_periods_go_by_the_date_in_the_name() -> None:
    names = ("b_20260102_000.gz", "b_20260102_001.gz", "e-2026-01-02.gz", "x.gz", "b_20260103.gz")
    found = periods_of([Path(name) for name in names])
    assert [(name, len(files)) for name, files in found] == [
        ("2026-01-02", 3),
        ("x.gz", 1),
        ("2026-01-03", 1),
    ]
    same = periods_of([Path("a/x.gz"), Path("b/x.gz")])
    assert [name for name, _ in same] == ["x.gz", "b/x.gz"], "two files, two periods"
    assert periods_of([Path("order_120260102.gz")])[0][0] == "order_120260102.gz"


def test_a_walk_never_proves_on_what_it_learnt_from() -> None:
    made = [(list(train), list(test)) for train, test in _splits(7, 3, 2)]
    assert made == [([0, 1, 2], [3, 4]), ([2, 3, 4], [5, 6])]
    assert list(_splits(4, 3, 2)) == []
