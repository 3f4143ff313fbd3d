"""``appliance journal`` (appliance.cold.journal_command, journal_text, journal_reader)."""

import json
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.journal import JournalKind
from appliance.abi.refusal import Reject
from appliance.abi.trading import OrderState
from appliance.cold import command_line
from appliance.cold.journal_archive import Archive
from appliance.cold.journal_file import JournalFile, journal_path
from tests.strategies.journals import NOW_NS, row_of, start, write

ROOT = Path(__file__).resolve().parents[2]
S = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, "spot-1")


def traded(path: Path) -> JournalFile:
    """Buys 3 lots at 100, sells 1 of them at 110; two orders stay open; one is refused."""
    file = JournalFile(path, 64)
    start(file.journal)
    order = {
        "instrument": 1,
        "price_ticks": 100,
        "quantity_lots": 3,
        "order_key": 1 << 16,
        "side": 1,
    }
    write(file.journal, JournalKind.INTENT, **order, time_ns=NOW_NS + S)
    write(file.journal, JournalKind.SENT, **order, time_ns=NOW_NS + S)
    filled: dict[str, Any] = {"filled_lots": 3, "filled_tick_lots": 300, "venue_id": 55}
    done = order | filled | {"reason": OrderState.FILLED, "observed": 5, "limit": 9}
    write(file.journal, JournalKind.FILL, **done, time_ns=NOW_NS + 2 * S)
    sell = {"instrument": 1, "price_ticks": 110, "quantity_lots": 2, "order_key": 1, "side": -1}
    write(file.journal, JournalKind.INTENT, **sell, time_ns=NOW_NS + 3 * S)
    more = {"filled_lots": 1, "filled_tick_lots": 110, "reason": OrderState.PARTIAL}
    write(file.journal, JournalKind.FILL, **sell, **more, time_ns=NOW_NS + 3 * S)
    write(file.journal, JournalKind.INTENT, instrument=0, order_key=2, quantity_lots=7, side=1)
    write(
        file.journal,
        JournalKind.GATE_REFUSAL,
        reason=Reject.POSITION,
        observed=11,
        limit=10,
        filled_lots=4,
        order_key=-1,
    )
    return file


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = command_line.main(["journal", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, _ = said(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_everything_in_the_venues_units(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traded(path).close()
    rows = told(capsys, path)["records"]
    assert [row["kind"] for row in rows[:4]] == ["SESSION", "SYMBOL", "SYMBOL", "DAY"]
    assert rows[4] == {
        "sequence": 5,
        "time": "2025-12-17 19:33:21.000000",
        "kind": "INTENT",
        "symbol": "COIN1USDT",
        "order": "lc-00000abc-000000000001-0000",
        "side": "BUY",
        "price": "1",
        "quantity": "0.03",
        "type": "GTC",
    }
    assert (rows[6]["filled"], rows[6]["state"], rows[6]["venue_id"]) == ("0.03", "FILLED", 55)
    assert (rows[-1]["reason"], rows[-1]["observed"], rows[-1]["repeated"]) == ("POSITION", 11, 4)
    code, out, err = said(capsys, path)
    assert code == 0 and err == "" and len(out.splitlines()) == len(rows)
    assert "INTENT          symbol=COIN1USDT  order=lc-00000abc-000000000001-0000  side=BUY" in out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--kind", "fill"], [7, 9]),
        (["--kind", "FILL", "--kind", "SENT"], [6, 7, 9]),
        (["--symbol", "COIN0USDT"], [2, 10, 11]),
        (["--order", "lc-00000abc-000000000001-0000"], [5, 6, 7]),
        (["--since", "2025-12-17T19:33:22"], [7, 8, 9]),
        (["--since", "2025-12-17T19:33:21", "--until", "2025-12-17T19:33:22"], [5, 6]),
        (["--since", "2025-12-18"], []),
        (["--kind", "LOST"], []),
    ],
)
def test_filters(
    path: Path, capsys: pytest.CaptureFixture[str], options: list[str], found: list[int]
) -> None:
    traded(path).close()
    assert [row["sequence"] for row in told(capsys, path, *options)["records"]] == found


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--kind", "NONE"], "--kind NONE: there is none"),
        (["--since", "soon"], "--since soon: no time like"),
        (["--until", "2025-13-01"], "--until 2025-13-01: no time like"),
    ],
)
def test_bad_filters(
    path: Path, capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    traded(path).close()
    code, out, err = said(capsys, path, *options)
    assert (code, out) == (2, "") and why in err


def test_what_it_adds_up_to(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traded(path).close()
    ledger = told(capsys, path, "--replay")
    assert ledger["positions"] == [
        {
            "symbol": "COIN1USDT",
            "position": "0.02",
            "cost": "0.02",
            "realised": "0.001",
            "turnover": "0.041",
        }
    ]
    orders = ledger["open_orders"]
    assert [(o["symbol"], o["filled"], o["state"]) for o in orders] == [
        ("COIN1USDT", "0.01", "PARTIAL"),
        ("COIN0USDT", "0", "SENT"),
    ]
    assert ledger["day"]["messages"] == 3 and ledger["day"]["fills"] == 2
    assert ledger["refusals"] == 5
    code, out, _ = said(capsys, path, "--replay")
    assert code == 0 and "COIN1USDT" in out and "PARTIAL" in out


def test_verify(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = traded(path)
    facts = told(capsys, path, "--verify")
    assert (facts["records"], facts["first"], facts["last"]) == (11, 1, 11)
    assert facts["in_use_by"] is not None and facts["faults"] == []
    row_of(file.words, 6)[7] += 1
    file.close()
    code, out, err = said(capsys, path, "--verify")
    assert code == 1 and "10 records" in out and "record 6 cannot be read" in err
    code, out, err = said(capsys, path, "--verify", "--json")
    assert code == 1 and json.loads(out)["faults"] == ["record 6 cannot be read"]
    code, out, err = said(capsys, path)
    assert code == 1 and "record 6 cannot be read" in err and len(out.splitlines()) == 10
    code, out, _ = said(capsys, path, "--repair")
    assert code == 0 and "1 damaged records are marked as lost" in out
    facts = told(capsys, path, "--verify")
    assert facts["records"] == 11
    assert told(capsys, path, "--replay")["lost_records"] == 1
    code, out, _ = said(capsys, path, "--repair")
    assert code == 0 and "nothing to repair" in out


def test_archive_and_ring_are_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = traded(path)
    archive = Archive(path, file.words, file.notes)
    archive.step()
    for n in range(200):
        write(file.journal, order_key=n, time_ns=NOW_NS + n)
        archive.step()
    archive.close()
    file.close()
    facts = told(capsys, path, "--verify")
    assert (facts["records"], facts["first"], facts["archive_files"]) == (211, 1, 1)
    assert len(told(capsys, path, "--replay")["open_orders"]) == 200


@pytest.mark.parametrize("what", ["--verify", "--replay", "--repair"])
def test_no_journal_there(path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    code, out, err = said(capsys, path, what)
    assert (code, out) == (2, "") and "cannot open the journal" in err
    assert not path.exists()
    other = path.with_suffix(".txt")
    assert "ends with .journal" in said(capsys, other, what)[2]


def test_a_journal_in_use_is_not_repaired(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = traded(path)
    code, _, err = said(capsys, path, "--repair")
    assert code == 2 and "in use by process" in err
    file.close()


def _hear_ctrl_c() -> None:
    """A shell's & has its children ignore it, and theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_follow_shows_what_comes_and_ends_with_ctrl_c(path: Path) -> None:
    file = traded(path)
    with subprocess.Popen(
        [sys.executable, "-m", "appliance", "journal", str(path), "--follow", "--kind", "FILL"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,
    ) as follower:
        try:
            assert follower.stdout is not None
            for _ in range(20):  # until it has begun
                write(file.journal, JournalKind.FILL, order_key=2, quantity_lots=1, side=1)
                write(file.journal, JournalKind.SENT, order_key=2)
                if select.select([follower.stdout], [], [], 1.0)[0]:
                    break
            first = int(follower.stdout.readline().split()[0])
            write(file.journal, JournalKind.FILL, order_key=2, quantity_lots=1, side=1)
            assert int(follower.stdout.readline().split()[0]) == first + 2
            follower.send_signal(signal.SIGINT)
            out, err = follower.communicate(timeout=60)
        finally:
            follower.kill()
    assert (out, follower.returncode) == ("", 130) and "Traceback" not in err
    file.close()


def test_one_file_of_an_archive(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = traded(path)
    archive = Archive(path, file.words, file.notes)
    archive.step()
    archive.close()
    file.close()
    (day,) = path.parent.glob("*.archive")
    assert told(capsys, day)["records"] == told(capsys, path)["records"]
    assert told(capsys, day, "--replay") == told(capsys, path, "--replay")
    for option in ("--repair", "--follow"):
        code, _, err = said(capsys, day, option)
        assert code == 2 and "for a .journal" in err
    day.write_bytes(day.read_bytes()[:-60])
    code, _, err = said(capsys, day, "--verify")
    assert code == 1 and "no whole record" in err
    day.write_bytes(b"short")
    assert said(capsys, day)[0] == 2
    assert said(capsys, day.with_name("none-20260101.archive"))[0] == 2
