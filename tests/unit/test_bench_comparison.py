"""appliance.cold.bench.comparison: noise is no change, a change is one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.cold import command_line
from appliance.cold.bench.comparison import BETTER, SAME, WORSE, Change, compare, interval
from appliance.cold.bench.series import NAMES
from appliance.cold.errors import ApplianceError


def result(seed: int, scale: float = 1.0, rounds: int = 15, **facts: Any) -> dict[str, Any]:
    """Three quantities whose rounds vary by a tenth, and one in fifty by ten times."""
    chance = np.random.default_rng(seed)
    made = {}
    for name, level in (("a", 60.0), ("b", 900.0), ("c", 15_000.0)):
        rows = level * scale * chance.lognormal(0, 0.1, (rounds, 3))
        rows *= np.where(chance.random((rounds, 3)) < 0.02, 10, 1)
        by_round = {n: rows[:, k].astype(int).tolist() for k, n in enumerate(NAMES)}
        made[name] = {"title": name, "by_round": by_round}
    return {"format": 1, "rounds": rounds, "facts": {"emulated": False, **facts}, "series": made}


def test_noise_is_not_called_a_change() -> None:
    """Of 900 figures that did not change, none or very few are called one."""
    verdicts = [
        change.verdict
        for seed in range(100)
        for change in compare(result(seed), result(seed + 500))
    ]
    assert len(verdicts) == 900
    assert sum(one != SAME for one in verdicts) <= 3


@pytest.mark.parametrize(("scale", "wanted"), [(1.5, WORSE), (0.6, BETTER)])
def test_a_change_is_called_one(scale: float, wanted: str) -> None:
    verdicts = [
        change.verdict
        for seed in range(20)
        for change in compare(result(seed), result(seed, scale))
    ]
    assert verdicts.count(wanted) >= 0.95 * len(verdicts)
    assert not set(verdicts) - {wanted, SAME}


def test_what_the_clock_cannot_tell_is_no_change() -> None:
    assert Change("a", "p50_ns", 2.0, 3.0, 1.5, 1.4, 1.6).verdict == SAME
    assert Change("a", "p50_ns", 20.0, 30.0, 1.5, 1.4, 1.6).verdict == WORSE
    ratio, low, high = interval([10, 11, 12, 10, 11], [20, 22, 24, 20, 22])
    assert ratio == 2.0 and low <= 2.0 <= high
    assert interval([0, 0, 0], [0, 0, 0]) == (1.0, 1.0, 1.0)


def test_what_cannot_be_compared() -> None:
    good = result(1)
    with pytest.raises(ApplianceError, match="after: of an emulated machine"):
        compare(good, result(2, emulated=True))
    with pytest.raises(ApplianceError, match="before: 3 rounds say nothing of noise"):
        compare(result(2, rounds=3), good)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name, made in (("a", result(1)), ("b", result(2)), ("c", result(3, 2.0))):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(made))
    a, b, c = map(str, paths)
    assert command_line.main(["bench", "--compare", a, b]) == 0
    assert "0 worse, 0 better, of 9 figures" in capsys.readouterr().out
    assert command_line.main(["bench", "--compare", a, c, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["worse"] > 5 and {one["verdict"] for one in told["changes"]} <= {WORSE, SAME}
    assert command_line.main(["bench", "--compare", c, a]) == 0, "better is not bad"
    capsys.readouterr()
    none = tmp_path / "none.json"
    for text in ("", "{}", "[]", '{"format": 2}'):
        none.write_text(text)
        assert command_line.main(["bench", "--compare", a, str(none)]) == 2
        assert "not the result.json of appliance bench" in capsys.readouterr().err
    assert command_line.main(["bench", "--compare", a, str(tmp_path / "x")]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rounds", "0"), "--rounds 0"),
        (("--fifo", "100"), "--fifo 100"),
        (("--core", "4095"), "--core 4095: there is no such core"),
        (("--load-core", "4095"), "--load-core 4095: there is no such core"),
        (("--core", "0", "--load-core", "0"), "need two cores"),
    ],
)
def test_bad_requests(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["bench", *words]) == 2
    assert said in capsys.readouterr().err
