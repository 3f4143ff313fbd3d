"""Pieces of ``appliance demo``; the whole of it runs in tests/e2e/test_demo.py."""

import argparse
from pathlib import Path

import pytest

from appliance.abi.market import Market
from appliance.cold import demo_command
from appliance.cold.errors import ApplianceError
from appliance.cold.recording import arena_of


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    demo_command.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *arguments])


def test_a_newcomer_needs_no_option() -> None:
    args = parsed()
    assert args.files == [] and args.strategy == "market_maker"
    assert 1 <= args.seconds <= 60
    assert args.run is demo_command.run


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "nan", "inf"])
def test_no_such_time(seconds: str) -> None:
    with pytest.raises(ApplianceError, match="--seconds"):
        demo_command.run(parsed(f"--seconds={seconds}"))


def test_a_report_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="no such folder"):
        demo_command.run(parsed("--report", str(tmp_path / "no" / "report.json")))


def test_the_market_follows_from_the_seed() -> None:
    one, same, other = (demo_command._made_up(seed, 1.0, Market.SPOT) for seed in (1, 1, 2))
    assert one.data.tobytes() == same.data.tobytes() != other.data.tobytes()
    assert set(one.symbols) == set(demo_command.SYMBOLS)


def test_the_first_seconds_of_a_recording() -> None:
    arena = demo_command._made_up(1, 3.0, Market.SPOT)
    first = demo_command._first_seconds(arena, 1.0)
    assert 0 < len(first) < len(arena)
    span_ns = int(first.receive_ns[-1] - first.receive_ns[0])
    assert span_ns <= 10**9 < int(arena.receive_ns[len(first)] - arena.receive_ns[0])
    assert first.frame(len(first) - 1) == arena.frame(len(first) - 1)
    assert len(demo_command._first_seconds(arena, 60.0)) == len(arena)
    with pytest.raises(ApplianceError, match="nothing to show"):
        demo_command._first_seconds(arena_of([]), 1.0)
