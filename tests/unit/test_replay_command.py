"""Pieces of ``appliance replay``; the whole of it runs in tests/e2e/test_replay.py."""

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.replay_command import Screen, parse_params, parse_speed


def test_speed() -> None:
    assert parse_speed("max") is None
    assert parse_speed("1") == 1.0
    assert parse_speed("0.5") == 0.5
    assert parse_speed("1000") == 1000.0


@pytest.mark.parametrize("text", ["", "0", "-1", "1001", "nan", "inf", "fast", "1x", "0.0001"])
def test_speeds_that_are_none(text: str) -> None:
    with pytest.raises(ApplianceError, match="--speed"):
        parse_speed(text)


def test_params() -> None:
    assert parse_params("") == {}
    assert parse_params("a=1") == {"a": "1"}
    assert parse_params(" a = 1 ,b=x=y,") == {"a": "1", "b": "x=y"}
    assert parse_params("a=1,a=2") == {"a": "2"}


@pytest.mark.parametrize("text", ["a", "a=1,b", " "])
def test_params_that_are_none(text: str) -> None:
    with pytest.raises(ApplianceError, match="NAME=VALUE"):
        parse_params(text)


def test_a_screen_without_a_terminal_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    screen = Screen(quiet=False)
    with screen.progress, screen.task("working", 10) as progress:
        progress(5, 10)
        screen.say("well")
    assert capfd.readouterr() == ("", "")


def test_a_screen_on_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen(quiet=False)
    with screen.progress:
        screen.say("compiling")
    out, err = capfd.readouterr()
    assert out == "" and "compiling .." in err
    quiet = Screen(quiet=True)
    with quiet.progress:
        quiet.say("compiling")
    assert capfd.readouterr() == ("", "")
