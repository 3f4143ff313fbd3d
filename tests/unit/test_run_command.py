"""``appliance run`` before it trades: one clear line for each fault, exit code 2, no traceback."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.cold import command_line, run_command
from tests.live.run_file import RISK

ROOT = Path(__file__).resolve().parents[2]
PAPER = 'mode = "paper"\nmarket = "spot"\nsymbols = ["BTCUSDT", "ETHUSDT"]\n'
FILES = '[risk]\nfile = "risk.toml"\n[journal]\nfolder = "j"\n'
# A venue without real money.
VENUE = '[venue]\nrest = "http://[::1]"\nstreams = "ws://[::1]"\norders = "ws://[::1]"\n'
LIVE = PAPER.replace("paper", "live") + "testnet = true\n" + VENUE + FILES
NO_CERTIFICATE = (
    "certificate.file is missing: live does not start without a certificate of"
    " `appliance backtest --certify`; testnet = true where there is no real money"
)
SECRET = "MC4CAQAwBQYDK2VwBCIEI"  # how each Ed25519 key begins in PEM


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def refused(self) -> list[str]:
        """The lines of a wrong request."""
        assert self.code == 2 and self.out == "", self
        assert "Traceback" not in self.err and SECRET not in self.err
        lines = self.err.splitlines()
        assert all(line.startswith("appliance run: ") for line in lines), lines
        return [line.removeprefix("appliance run: ") for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "risk.toml").write_text(RISK)
    return tmp_path


def as_a_process(*arguments: object, **environment: str) -> Done:
    """``python -m appliance run``, as a user has it."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "run", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def here(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """The same inside this process."""
    code = command_line.main(["run", *map(str, arguments)])
    said = capsys.readouterr()
    return Done(code, said.out, said.err)


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def key_text() -> str:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert SECRET in pem
    return json.dumps({"apiKey": "name", "privateKey": pem})


def test_several_faults_are_told_at_once(folder: Path) -> None:
    path = write(
        folder / "run.toml",
        'mode = "live"\nmarket = "forex"\nsymbol = ["BTCUSDT"]\n'
        '[session]\nbook_silence_ms = "1.5 s"\nstream_silence_s = 5\nrotate_after_min = 82800\n',
    )
    assert as_a_process(path).refused() == [
        f"{path}: unknown key symbol; did you mean symbols?",
        f"{path}: unknown key session.stream_silence_s; did you mean session.stream_silence_ms?",
        f"{path}: market = 'forex': must be 'spot' or 'usdm'",
        f"{path}: session.book_silence_ms = '1.5 s': must be a whole number",
        f"{path}: session.rotate_after_min = 82800: must be 1 to 1435",
        f"{path}: symbols is missing",
        f"{path}: risk.file is missing: live does not start without limits of your own",
        f"{path}: journal.folder is missing: live does not start without a journal",
        f"{path}: keys: live needs either keys.file or keys.credential",
        f"{path}: {NO_CERTIFICATE}",
    ]


def test_missing_limits_are_told_before_anything_is_compiled(folder: Path) -> None:
    path = write(folder / "run.toml", LIVE + f'[keys]\nfile = "{folder}/key.json"\n')
    write(folder / "key.json", key_text())
    risk = write(folder / "risk.toml", RISK.replace("\nquantity_max", "\n# quantity_max"))
    assert as_a_process(path, "--check").refused() == [
        f"{risk}: BTCUSDT: quantity_max is missing",
        f"{risk}: ETHUSDT: quantity_max is missing",
    ]
    risk.unlink()
    (line,) = as_a_process(path).refused()
    assert line == f"cannot read the risk file {risk}: No such file or directory"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode = \n", "not TOML: Invalid value (at line 1, column 8)"),
        ("x = " + "[" * 20_000, "not TOML: "),
        ("modes = 'paper'\n" + PAPER, "unknown key modes; did you mean mode?"),
    ],
)
def test_a_fault_through_a_process(folder: Path, text: str, said: str) -> None:
    path = write(folder / "run.toml", text)
    (line,) = as_a_process(path).refused()
    assert line.startswith(f"{path}: {said}")


def test_a_key_that_others_may_read(folder: Path) -> None:
    write(folder / "key.json", key_text(), 0o644)
    path = write(folder / "run.toml", f'{LIVE}[keys]\nfile = "key.json"\n')
    (line,) = as_a_process(path).refused()
    assert line == f"{folder / 'key.json'}: others may read it: chmod 600 {folder / 'key.json'}"


def test_check_starts_nothing(folder: Path) -> None:
    path = write(folder / "run.toml", PAPER)
    done = as_a_process(path, "--check", "--json")
    assert done.code == 0 and json.loads(done.out) == {"config": "fine", "mode": "paper"}
    assert done.err == ""


def test_check_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder / "run.toml", PAPER)
    done = here(capsys, path, "--check")
    assert done == Done(0, f"{path}: fine (paper, BTCUSDT, ETHUSDT)\n", "")


@pytest.mark.parametrize("name", ["none.toml", ""])
def test_files_that_are_none(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = here(capsys, folder / name).refused()
    assert line in (f"{folder / name}: No such file or directory", f"{folder}: Is a directory")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e99"])
def test_a_time_that_is_none(
    folder: Path, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(folder / "run.toml", PAPER)
    (line,) = here(capsys, path, f"--seconds={seconds}").refused()
    assert line.startswith("--seconds ") and line.endswith("give a number above zero")


def test_words_for_seconds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        here(capsys, folder / "run.toml", "--seconds", "soon")
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0, "No such file or directory"),
        (key_text(), 0o640, "others may read it"),
        (SECRET, 0o600, "not JSON"),
        (f'{{"apiKey": "{SECRET}"}}', 0o600, 'neither "privateKey" nor "privateKeyFile"'),
        (f'{{"apiKey": "a", "secretKey": "{SECRET}"}}', 0o600, "cannot log on"),
        (f'{{"apiKey": "a", "privateKey": "{SECRET}"}}', 0o600, "not a private key in PEM"),
        (f'{{"apiKey": "a", "privateKeyFile": "{SECRET}"}}', 0o600, "No such file"),
    ],
    ids=range(7),
)
def test_live_with_a_bad_key(
    folder: Path, content: str | None, mode: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        write(folder / "key.json", content, mode)
    path = write(folder / "run.toml", f'{LIVE}[keys]\nfile = "key.json"\n')
    (line,) = here(capsys, path, "--check").refused()
    assert said in line


def test_paper_does_not_open_the_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder / "run.toml", f'{PAPER}[keys]\nfile = "none.json"\n')
    assert here(capsys, path, "--check").code == 0


@pytest.mark.parametrize("name", ["x" * 300, "./" + "y" * 300 + ".py"])
def test_a_strategy_that_no_file_can_be(folder: Path, name: str) -> None:
    path = write(folder / "run.toml", f'{PAPER}[strategy]\nfile = "{name}"\n')
    assert as_a_process(path).refused() == [f"{path}: strategy.file: File name too long"]


@pytest.mark.parametrize("line", ['[risk]\nfile = "X"', '[venue]\nextra_ca = "X"', 'rings = "X"'])
def test_other_names_that_are_too_long(folder: Path, line: str) -> None:
    text = line.replace("X", "x" * 300)
    path = write(folder / "run.toml", f"{text}\n{PAPER}" if "rings" in line else PAPER + text)
    (said,) = as_a_process(path).refused()
    assert "too long" in said


def test_compiling_alone_makes_the_next_start_short(folder: Path) -> None:
    """appliance.cold.live.compiling, as a deployment has it: no venue, no socket, no order."""
    cache = folder / "cache"
    write(folder / "key.json", key_text())
    path = write(folder / "run.toml", f'{LIVE}[keys]\nfile = "key.json"\n')
    for said in ("appliance run: compiling the loop (once)\n", ""):
        done = as_a_process(path, "--compile", "--json", LONECORE_CACHE=str(cache))
        assert done.code == 0 and done.err == said
        assert json.loads(done.out) == {"config": "fine", "mode": "live", "compiled": True}
    (marked,) = cache.glob("*/complete-live-*")
    assert marked.exists()


def test_one_thing_at_a_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder / "run.toml", PAPER)
    (line,) = here(capsys, path, "--compile", "--check").refused()
    assert line == "--check, --compile and --reconcile: one of them"


def test_live_with_a_credential(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "run.toml", f'{LIVE}[keys]\ncredential = "lonecore-key"\n')
    (line,) = here(capsys, path, "--check").refused()
    assert line.startswith("keys.credential lonecore-key: systemd gives no credentials")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    (line,) = here(capsys, path, "--check").refused()
    assert line == f"{folder / 'lonecore-key'}: No such file or directory"
    write(folder / "lonecore-key", key_text(), 0o440)
    done = here(capsys, path, "--check", "--json")
    assert done.code == 0 and json.loads(done.out) == {"config": "fine", "mode": "live"}


def test_a_key_without_a_fault_is_not_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "key.json", key_text())
    path = write(folder / "run.toml", f'{LIVE}[keys]\nfile = "key.json"\n')
    done = here(capsys, path, "--check")
    assert done.code == 0 and SECRET not in done.out + done.err


def test_it_explains_itself() -> None:
    parser = run_command.add_parser(argparse.ArgumentParser().add_subparsers())
    text = parser.format_help()
    assert "examples:" in text and "exit codes: 0 fine, 1 the venue" in text
    assert parser.parse_args(["run.toml"]).run is run_command.run


@pytest.mark.parametrize(
    ("fatal", "left", "code"), [("", [], 0), ("no such key", [], 1), ("", ["lc-1"], 1)]
)
def test_the_exit_code_tells_whether_all_is_well(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fatal: str,
    left: list[str],
    code: int,
) -> None:
    result = {"session": {"fatal": fatal, "left_open": left}}
    monkeypatch.setattr(run_command, "_trade", lambda *_: result)
    done = here(capsys, write(folder / "run.toml", PAPER), "--json")
    assert done.code == code and json.loads(done.out) == result
    assert done.err == (f"appliance run: {fatal}\n" if fatal else "")
