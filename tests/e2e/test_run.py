"""``appliance run`` against ``appliance venue``: two processes, sockets between them.

What a run says it saw is appliance.cold.live.session_report.
"""

import signal
import socket
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.e2e.conftest import WARM_S, Appliance, Done, is_running, wait_for
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import VenueProcess

SECONDS = 5
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
QUIET = "nrt_allocations", "compilations", "minor_faults", "major_faults"

pytestmark = pytest.mark.usefixtures("regions")


def options(market: Market) -> list[str]:
    return ["--market", market.name.lower(), "--symbols", ",".join(SYMBOLS)]


def has_traded_well(report: dict[str, Any]) -> None:
    assert report["orders"] > 0 and report["fills"] > 0
    assert report["gaps"] == 0 and report["quarantined"] == 0
    for symbol in SYMBOLS:
        book = report["book"][symbol]
        assert (book["mismatched"], book["crossed"]) == (0, 0) and book["compared"] > 0
    session = report["session"]
    assert session["fatal"] == "" and session["unreadable"] == 0
    for name, one in session["connections"].items():
        assert one["connects"] == 1, (name, one)
    assert report["latency_ns"]["hiccup"]["n"] > 100, "the loop had nothing to do now and then"
    for what in QUIET:
        assert report["purity"][what] == 0, report["purity"]


@pytest.mark.parametrize("tls", [False, True])
@BOTH
def test_live(live_appliance: Appliance, tmp_path: Path, market: Market, tls: bool) -> None:
    """What the venue says of our orders is what we say, to the last lot."""
    ca = tmp_path / "tls" / "ca.pem"
    more = ["--tls-dir", str(ca.parent)] if tls else []
    if tls:
        ca.parent.mkdir()
    with VenueProcess(tmp_path, *options(market), *more) as venue:
        config = write_run(tmp_path, venue.ready, market, extra_ca=str(ca) if tls else "")
        done = live_appliance("run", config, "--seconds", SECONDS, "--json")
        assert done.code == 0, done.err[-3000:]
        has_traded_well(done.report)
        assert done.report["session"]["live_orders"] == 0
        assert venue.account(market.name.lower())["openOrders"] == []
        theirs = venue.positions(market.name.lower())
    for symbol in SYMBOLS:
        ours = Decimal(done.report["position"][symbol]["quantity"])
        assert ours == theirs.get(symbol, 0)


@BOTH
def test_paper(live_appliance: Appliance, tmp_path: Path, market: Market) -> None:
    """Live market data, our own fills; the venue has no order of ours, ever."""
    with VenueProcess(tmp_path, *options(market)) as venue:
        config = write_run(tmp_path, venue.ready, market, mode="paper")
        done = live_appliance("run", config, "--seconds", SECONDS, "--json")
        assert done.code == 0, done.err[-3000:]
        has_traded_well(done.report)
        account = venue.account(market.name.lower())
    assert account["openOrders"] == account["trades"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_good_order(
    live_appliance: Appliance, tmp_path: Path, number: signal.Signals
) -> None:
    with VenueProcess(tmp_path, *options(Market.SPOT)) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        name = run_name(venue.ready["port"])
        with live_appliance.start("run", config, "--json") as process:
            try:
                wait_for(lambda: is_running(name) or process.poll() is not None)
                wait_for(lambda: bool(venue.account("spot")["openOrders"]))
                top = live_appliance("top", name, "--once")
                process.send_signal(number)
                out, err = process.communicate(timeout=WARM_S)
            finally:
                process.kill()
        done = Done(process.returncode, out, err)
        assert done.code == 0 and "Traceback" not in done.err, done.err
        assert done.report["session"]["live_orders"] == 0
        assert venue.account("spot")["openOrders"] == [], "nothing of ours stays on the book"
    assert top.code == 0 and "BTCUSDT" in top.out


def has_resting_orders(venue: VenueProcess) -> bool:
    """Open orders in a market that stands still, so that the strategy leaves them there."""
    venue.fetch("/venue/market", {"moves": False})
    time.sleep(0.5)
    if venue.account("spot")["openOrders"]:
        return True
    venue.fetch("/venue/market", {"moves": True})
    time.sleep(0.2)
    return False


def test_what_the_venue_does_not_cancel_is_named(live_appliance: Appliance, tmp_path: Path) -> None:
    """Its REST fails: the first Ctrl-C tries to cancel, the second ends that at once."""
    with VenueProcess(tmp_path, *options(Market.SPOT)) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        with live_appliance.start("run", config, "--json") as process:
            try:
                wait_for(lambda: has_resting_orders(venue) or process.poll() is not None)
                venue.fetch("/venue/faults", {"error_before": 1.0})
                process.send_signal(signal.SIGINT)
                time.sleep(1.5)
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=5.0)
            finally:
                process.kill()
        done = Done(process.returncode, out, err)
        assert done.code == 1 and "Traceback" not in done.err, done.err
        left = done.report["session"]["left_open"]
        assert f"ended at once: {len(left)} orders may still be open: {left[0]}" in done.err
        opened = venue.account("spot")["openOrders"]
        assert {order["clientOrderId"] for order in opened} <= {*left} and opened


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_venue_is_asked(
    live_appliance: Appliance, tmp_path: Path, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        config = tmp_path / "run.toml"
        config.write_text(
            'mode = "paper"\nmarket = "spot"\nsymbols = ["BTCUSDT"]\n'
            f'[venue]\nrest = "http://127.0.0.1:{port}"\n'
        )
        with live_appliance.start("run", config) as process:
            try:
                connection, _ = silent.accept()
                process.send_signal(number)
                started_s = time.monotonic()
                _, err = process.communicate(timeout=WARM_S)
                took_s = time.monotonic() - started_s
            finally:
                process.kill()
            connection.close()
    assert process.returncode == 128 + number and took_s < 2.0
    assert err.endswith("\n\nappliance run: stopped\n") and "Traceback" not in err


def test_connections_are_replaced_before_their_end_without_a_gap(
    live_appliance: Appliance, tmp_path: Path
) -> None:
    """Each is ended by the venue after five seconds, announced two seconds before."""
    times = ["--life-s", "5", "--notice-s", "2"]
    with VenueProcess(tmp_path, *options(Market.SPOT), *times) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        done = live_appliance("run", config, "--seconds", 14, "--json")
    assert done.code == 0, done.err[-3000:]
    report = done.report
    assert (report["gaps"], report["resyncs"]) == (0, 0)
    for symbol in SYMBOLS:
        book = report["book"][symbol]
        assert book["live_fraction"] > 0.9 and book["mismatched"] == 0
    assert report["session"]["server_shutdowns"] >= 4
    for one in report["session"]["connections"].values():
        assert one["rotations"] >= 2 and one["connects"] == one["rotations"] + 1
        assert set(one["ends"]) <= {"retired", "close_frame"}


def test_the_venue_goes_and_comes_back(live_appliance: Appliance, tmp_path: Path) -> None:
    with VenueProcess(tmp_path, *options(Market.SPOT)) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        port = str(venue.ready["port"])
        name = run_name(port)
        process = live_appliance.start("run", config, "--seconds", 12, "--json")
        wait_for(lambda: is_running(name) or process.poll() is not None)
        time.sleep(2)
    with process:
        try:
            time.sleep(1)
            with VenueProcess(tmp_path, *options(Market.SPOT), "--port", port):
                out, err = process.communicate(timeout=WARM_S)
        finally:
            process.kill()
    done = Done(process.returncode, out, err)
    # the new venue has new keys: what it refuses ends the run, with the reason and no traceback
    assert done.code == 1 and "Traceback" not in done.err, done.err
    assert "session.logon: -2015" in done.report["session"]["fatal"]
    assert done.report["session"]["connections"]["orders"]["connects"] == 1
