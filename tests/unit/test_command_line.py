"""The parser, and how errors leave the program."""

import argparse
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.cold import command_line
from appliance.cold.errors import EXIT_NO, EXIT_USAGE, ApplianceError


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def outcome(monkeypatch: pytest.MonkeyPatch, run: Callable[[argparse.Namespace], int]) -> int:
    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run, command="test")
    monkeypatch.setattr(command_line, "build_parser", lambda _words: parser)
    return command_line.main([])


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


def test_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(monkeypatch, lambda args: EXIT_NO) == EXIT_NO
    assert outcome(monkeypatch, raising(ApplianceError("no such thing"))) == EXIT_USAGE
    assert capsys.readouterr().err == "appliance test: no such thing\n"
    assert outcome(monkeypatch, raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "\nappliance test: stopped\n"


def test_a_defect_of_ours_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        outcome(monkeypatch, raising(ZeroDivisionError()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_as_with_ctrl_c(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    def run(args: argparse.Namespace) -> int:
        signal.raise_signal(number)
        raise AssertionError("it went on")

    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    try:
        assert outcome(monkeypatch, run) == 128 + number
    finally:
        signal.signal(number, before)


def test_nohup_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(args: argparse.Namespace) -> int:
        signal.raise_signal(signal.SIGHUP)
        return 7

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert outcome(monkeypatch, run) == 7
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_name_that_is_too_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: argparse.Namespace) -> int:
        return len(Path("x" * 300).read_bytes())

    assert outcome(monkeypatch, run) == EXIT_USAGE
    assert capsys.readouterr().err == f"appliance test: {'x' * 40}..: no file has such a name\n"


@pytest.mark.parametrize("command", sorted(command_line.COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Alone, as it is asked for, and among all."""
    told = []
    for words in ([command, "--help"], []):
        with pytest.raises(SystemExit) as ended:
            command_line.build_parser(words).parse_args([command, "--help"])
        assert ended.value.code == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] and f"usage: appliance {command}" in told[0]
    assert "examples:" in told[0]


def test_the_table_names_every_command() -> None:
    """Each module that has one, and each that a module has."""
    cold = Path(command_line.__file__).parent
    found = {path.stem for path in cold.glob("*_command*.py")} | {"top"}
    assert set(command_line.COMMANDS.values()) == found
    (commands,) = (a for a in command_line.build_parser()._actions if a.dest == "command")
    assert commands.choices and set(commands.choices) == set(command_line.COMMANDS)


def test_what_stops_trading_does_not_wait_for_what_it_does_not_need() -> None:
    script = (
        "import sys; from appliance.cold.command_line import build_parser; build_parser(['halt']);"
        " sys.exit(str({'numba', 'rich', 'websockets', 'asyncio'} & set(sys.modules) or ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("arguments", [[], ["fly"], ["replay"], ["demo", "--no-such-option"]])
def test_what_is_not_understood(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(arguments)
    assert ended.value.code == EXIT_USAGE
    assert "usage: appliance" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("lonecore ")


def test_the_module_is_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["appliance", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("appliance.__main__", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("lonecore ")
