"""Wrong requests get one line and exit code 2; spoilt frames are counted and change nothing."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from appliance.abi.market import Market
from appliance.cold.line import Line
from appliance.cold.synthetic import exchange_info
from tests.e2e.conftest import Appliance, Report

SESSION = "SESSION"  # stands for the sound recording
FOLDER = "FOLDER"  # for a directory with the files below

FILES = {
    "empty.gz": b"",
    "empty.log": b"\n\n",
    "binary.bin": bytes(range(256)) * 64,
    "words.txt": b"this is no recording\nnor is this\n" * 50,
    "numbers.txt": b"1 2\n3 4\n" * 50,
    "other.log": b'1767571200004142954 {"stream":"btcusdt@kline_1m","data":{"e":"kline"}}\n',
    "no-info.json": b'{"symbols": "none"}',
    "half-info.json": b'{"timezone":"UTC","symbols":[{"symbol":"BTC',
    "delivery-info.json": b'{"symbols":[{"symbol":"BTCUSD_PERP","contractSize":100}]}',
    "not.toml": b"[account\n",
    "wrong.toml": b"[acount]\norder_rate_max = 1\n",
    "none.toml": b"",
    "snapshot.json": b'{"bids":[],"asks":[]}',
    "zstd.zst": b"\x28\xb5\x2f\xfd" + bytes(100),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, session_file: Path) -> Path:
    made = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        (made / name).write_bytes(content)
    (made / "cut.gz").write_bytes(gzip.compress(b"1767571200004142954 {", mtime=0)[:-12])
    return made


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["FOLDER/missing.gz"], ["missing.gz", "does not exist"]),
        (["FOLDER"], ["is a directory"]),
        (["FOLDER/empty.gz"], ["is empty"]),
        (["FOLDER/empty.log"], ["holds no frame"]),
        (["FOLDER/binary.bin"], ["is not text"]),
        (["FOLDER/words.txt"], ["holds no frame"]),
        (["FOLDER/numbers.txt"], ["holds no frame"]),
        (["FOLDER/other.log"], ["no market data"]),
        (["FOLDER/cut.gz"], ["holds no frame before its end"]),
        (["FOLDER/zstd.zst"], ["zstd"]),
        (["SESSION", "FOLDER/missing.gz"], ["missing.gz"]),
        (["SESSION", "SESSION"], ["order of their time"]),
        (["SESSION", "--symbols", "DOGEUSDT"], ["DOGEUSDT", "it has", "BTCUSDT"]),
        (["SESSION", "--symbols", "btcusdt"], ["btcusdt", "BTCUSDT"]),
        (["SESSION", "--snapshot", "FOLDER/snapshot.json"], ["lastUpdateId"]),
        (["SESSION", "--snapshot", "BTCUSDT=FOLDER/missing.json"], ["missing.json"]),
        (["SESSION", "--exchange-info", "FOLDER/no-info.json"], ["holds no exchangeInfo"]),
        (["SESSION", "--exchange-info", "FOLDER/half-info.json"], ["exchangeInfo"]),
        (["SESSION", "--exchange-info", "FOLDER/delivery-info.json"], ["neither spot nor USD-M"]),
        (["SESSION", "--exchange-info", "FOLDER/binary.bin"], ["not text"]),
        (["SESSION", "--limits", "FOLDER/not.toml"], ["not.toml", "not TOML"]),
        (["SESSION", "--limits", "FOLDER/wrong.toml"], ["unknown section acount"]),
        (["SESSION", "--limits", "FOLDER/none.toml"], ["currency is missing"]),
        (["SESSION", "--limits", "FOLDER/missing.toml"], ["missing.toml"]),
        (["SESSION", "--speed", "fast"], ["--speed fast", "0.001 to 1000"]),
        (["SESSION", "--speed", "nan"], ["--speed nan"]),
        (["SESSION", "--repeat", "0"], ["--repeat"]),
        (["SESSION", "--repeat", "2", "--speed", "1"], ["--repeat"]),
        (["SESSION", "--params", "quote_lots"], ["NAME=VALUE"]),
        (["SESSION", "--name", "../up"], ["name"]),
    ],
    ids=lambda value: "-".join(value)[:60] if isinstance(value, list) else None,
)
def test_a_wrong_request(
    appliance: Appliance, folder: Path, session_file: Path, arguments: list[str], words: list[str]
) -> None:
    given = [
        text.replace(FOLDER, str(folder)).replace(SESSION, str(session_file)) for text in arguments
    ]
    appliance("replay", *given, "--json").refused(*words)


@pytest.mark.parametrize(
    "arguments", [["--no-such-option"], ["--repeat", "x"], [], ["--market", "spot"]]
)
def test_an_unknown_option(appliance: Appliance, session_file: Path, arguments: list[str]) -> None:
    """As argparse says it: usage, then the error."""
    done = appliance("replay", *([session_file, *arguments] if arguments else []))
    assert done.code == 2 and done.out == ""
    assert "usage: appliance" in done.err and "error:" in done.err
    assert "Traceback" not in done.err


def test_compiled_code_needs_a_place(
    appliance: Appliance, session_file: Path, folder: Path
) -> None:
    done = appliance("replay", session_file, LONECORE_CACHE=str(folder / "empty.gz"))
    done.refused("LONECORE_CACHE")


def test_a_recording_that_is_cut_off(
    appliance: Appliance, session_file: Path, folder: Path
) -> None:
    """What is there is read, and the loss is told."""
    path = folder / "truncated.gz"
    whole = session_file.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = appliance.replay(path, "--verify-book")
    assert report["recording"]["truncated"] is True
    assert 1000 < report["frames"] < 7000
    assert any("cut off" in note for note in report["notes"])


def test_lines_that_are_broken(
    appliance: Appliance, synthetic: Callable[..., Path], tmp_path: Path
) -> None:
    """Each is counted by its kind, and nothing else is different."""
    sound = synthetic("sound.log", 3.0)
    lines = sound.read_bytes().splitlines(keepends=True)
    bad = [
        (b"no stamp at all\n", "bad_stamp"),
        (b"12345 {}\n", "bad_stamp"),
        (b"1767571200004142954\n", "no_frame"),
        (b'1767571100000000000 {"e":"late"}\n', "backwards"),
        (b'1867571100000000000 {"e":"leap"}\n', "leap"),
        (b"\n", ""),
        (b'{"e":"unstamped"}\n', "no_stamp"),
    ]
    for number, (text, _) in enumerate(bad):
        lines.insert(100 * (number + 1), text)
    path = tmp_path / "broken.log"
    path.write_bytes(b"".join(lines))
    report, wanted = appliance.replay(path, "--verify-book"), appliance.replay(sound)
    broken = report["recording"]["broken"]
    assert broken.pop("bad_stamp", 0) + broken.pop("no_stamp", 0) == 3
    assert broken == {"no_frame": 1, "backwards": 1, "leap": 1}
    assert report["frames"] == wanted["frames"]
    assert traded(report) == traded(wanted)


def traded(report: Report) -> Report:
    """What frames that nobody can use must not change."""
    keys = ("book", "gaps", "resyncs", "orders", "cancels", "fills", "rejects", "position", "pnl")
    return {key: report[key] for key in keys}


def spoilt_frames() -> list[tuple[bytes, str]]:
    """(Frame, why it is quarantined.) Prices are on the grid: what is read first is the form."""

    def depth(bids: str, more: str = "", ids: str = '"U":1,"u":2') -> bytes:
        text = f'"e":"depthUpdate","E":1767571201000,"s":"BTCUSDT",{ids},"b":[{bids}],"a":[]{more}'
        return f'{{"stream":"btcusdt@depth@100ms","data":{{{text}}}}}'.encode()

    def ticker(bid: str, lots: str = "1.00000000") -> bytes:
        text = f'"u":5,"s":"BTCUSDT","b":"{bid}","B":"{lots}","a":"61000.00","A":"1.00000000"'
        return f'{{"stream":"btcusdt@bookTicker","data":{{{text}}}}}'.encode()

    level = '["60000.00","1.00000000"]'
    rng = Random(1)
    noise = bytes(33 + int(rng.random() * 200) for _ in range(300))
    many = ",".join([level] * 10_000)
    return [
        (noise, "not_json"),
        (depth(level)[:-20], "not_json"),
        (b"123", "not_an_object"),
        (b'{"stream":"btcusdt@depth@100ms","data":"' + b"x" * (1 << 20) + b'"}', "too_long"),
        (depth(many), "too_many_levels"),
        (depth(level, ',"b":[]'), "duplicate_key"),
        (depth('["60000.00","-1.00000000"]'), "bad_decimal"),
        (depth('["1e5","1.00000000"]'), "bad_decimal"),
        (depth(f'["{"9" * 40}","1.00000000"]'), "out_of_range"),
        (depth(level, ids='"U":9,"u":2'), "bad_ids"),
        (depth(level, ids='"U":1,"u":99999999999999999999'), "not_json"),
        (depth(level, ids='"U":"1","u":2'), "wrong_type"),
        (depth(level, ids='"U":1'), "missing_key"),
        (ticker("60000.00", "-3.00000000"), "bad_decimal"),
        (ticker("60000.00", "1" * 60), "out_of_range"),
    ]


def test_frames_that_are_spoilt(appliance: Appliance, synthetic: Callable[..., Path]) -> None:
    spoilt = spoilt_frames()

    def among(lines: list[Line]) -> list[Line]:
        for number, (frame, _) in enumerate(spoilt, 1):
            at = number * len(lines) // (len(spoilt) + 1)
            lines.insert(at, Line(lines[at].receive_ns, frame))
        return lines

    sound = appliance.replay(synthetic("clean.gz"), "--verify-book")
    report = appliance.replay(synthetic("spoilt.gz", change=among), "--verify-book")
    reasons = [reason for _, reason in spoilt]
    assert report["quarantine"] == {reason: reasons.count(reason) for reason in reasons}
    assert report["quarantined"] == len(spoilt)
    assert report["frames"] == sound["frames"] + len(spoilt)
    assert report["decoded"] == sound["decoded"]
    assert traded(report) == traded(sound)
    assert report["purity"]["nrt_allocations"] == report["purity"]["compilations"] == 0


def test_rules_without_the_symbol(appliance: Appliance, session_file: Path, tmp_path: Path) -> None:
    """Its book is kept; nothing is traded, and the user hears why."""
    info = tmp_path / "info.json"
    info.write_text(json.dumps(exchange_info(("BTCUSDT",), Market.SPOT)))
    report = appliance.replay(session_file, "--exchange-info", info, "--verify-book")
    assert report["position"]["BTCUSDT"]["bought"] != "0"
    assert report["position"]["ETHUSDT"]["bought"] == "0"
    assert set(report["rejects"]) >= {"not_tradable"}
    assert any("ETHUSDT" in note and "not in the exchangeInfo" in note for note in report["notes"])


def test_a_recording_from_a_pipe(appliance: Appliance, session_file: Path, tmp_path: Path) -> None:
    """A recording may come from another program."""
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    plain = gzip.decompress(session_file.read_bytes())
    with appliance.start("replay", pipe, "--json", "--verify-book") as process:
        pipe.write_bytes(plain)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f'"frames": {len(plain.splitlines())}' in out
