"""The operator's hand on a process that trades (appliance.cold.operator_commands)."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.e2e.conftest import Appliance, Done, is_running, wait_for
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import VenueProcess

pytestmark = pytest.mark.usefixtures("regions")
OPTIONS = ["--market", "spot", "--symbols", ",".join(SYMBOLS)]


class Operator:
    """Commands for one run."""

    def __init__(self, appliance: Appliance, name: str) -> None:
        self.appliance, self.name = appliance, name

    def __call__(self, command: str, *options: str) -> Done:
        return self.appliance(command, self.name, *options)

    def status(self) -> dict[str, Any]:
        done = self("status", "--json")
        assert done.code in (0, 1), done.err
        told = json.loads(done.out)
        assert (done.code == 0) == told["trades"]
        return told


def limits_are_shown_and_set(operator: Operator) -> None:
    """appliance.cold.limits_command, in the units of the risk file."""
    ask = operator.appliance
    shown = json.loads(ask("limits", "show", operator.name, "--json").out)
    assert shown["account"]["day_loss_max"] == "1000000"
    assert shown["BTCUSDT"]["position_max"] == shown["ETHUSDT"]["position_max"] == "50"
    assert shown["BTCUSDT"]["order_types"] == "GTC, IOC, POST_ONLY"
    change = ["--reason", "a test"]
    done = ask(
        "limits", "set", "position_max", "0.5", operator.name, "--symbol", "BTCUSDT", *change
    )
    assert done.out == "BTCUSDT: position_max is 0.5 now\n"
    done = ask("limits", "set", "order_rate_max", "7", operator.name, *change)
    assert done.out == "account: order_rate_max is 7 now\n"
    done = ask("limits", "set", "guardian_age_max_ms", "off", operator.name, *change)
    assert done.out == "account: guardian_age_max_ms is off now\n"
    done = ask("limits", "set", "order_types", '["GTC"]', operator.name, *change, "--json")
    assert json.loads(done.out)["now"] == {"BTCUSDT": "GTC", "ETHUSDT": "GTC"}
    shown = json.loads(ask("limits", "show", operator.name, "--json").out)
    assert shown["BTCUSDT"]["position_max"] == "0.5" and shown["ETHUSDT"]["position_max"] == "50"
    assert shown["account"]["order_rate_max"] == "7"
    for wrong, said in (
        (("position_max", "0.0000001"), "not a multiple"),
        (("position_max", "0"), "greater than zero"),
        (("position_max", "off"), "cannot be off"),
        (("position_maxx", "1"), "there is no limit position_maxx"),
        (("day_loss_max", "5", "--symbol", "BTCUSDT"), "is the account's"),
        (("position_max", "5", "--symbol", "XRPUSDT"), "is not traded here: BTCUSDT, ETHUSDT"),
    ):
        key, value, *more = wrong
        done = ask("limits", "set", key, value, operator.name, *more, *change)
        assert done.code == 2 and said in done.err, (wrong, done.err)


def test_halt_reduce_resume(live_appliance: Appliance, tmp_path: Path) -> None:
    with VenueProcess(tmp_path, *OPTIONS) as venue:
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        name = run_name(venue.ready["port"])
        operator = Operator(live_appliance, name)
        with live_appliance.start("run", config, "--json") as process:
            try:
                wait_for(lambda: is_running(name) or process.poll() is not None)
                wait_for(lambda: bool(venue.account("spot")["openOrders"]))
                told = operator.status()
                assert told["trading_state"] == "ACTIVE" and told["mode"] == "testnet"

                done = operator("halt", "--cancel-all", "--reason", "a test")
                assert done.code == 0 and done.out.startswith("ACTIVE -> HALTED; ")
                wait_for(lambda: not venue.account("spot")["openOrders"])
                trades_n = venue.account("spot")["tradesTotal"]
                time.sleep(0.5)
                account = venue.account("spot")
                assert (account["openOrders"], account["tradesTotal"]) == ([], trades_n)
                told = operator.status()
                assert told["trading_state"] == "HALTED" and told["open_orders"] == 0
                assert told["state"]["cause"] == "OPERATOR" and not told["trades"]
                assert operator("halt").out == "HALTED already; nothing has changed\n"

                done = operator("resume", "--reason", "the test goes on", "--json")
                told = json.loads(done.out)
                assert (told["before"], told["after"]) == ("HALTED", "ACTIVE")
                wait_for(lambda: bool(venue.account("spot")["openOrders"]))
                assert operator("reduce").out == "ACTIVE -> REDUCE_ONLY\n"
                assert operator("resume", "--reason", " ").code == 2
                assert operator("resume").code == 2, "a reason must be given"

                limits_are_shown_and_set(operator)

                # A process that stands still is not waited for.
                os.kill(process.pid, signal.SIGSTOP)
                try:
                    began_s = time.monotonic()
                    done = operator("halt", "--within", "0.2")
                    assert done.code == 1 and "did not answer within 0.2 s" in done.out
                    assert "stay open" in done.out and time.monotonic() - began_s < 20
                    done = operator("halt", "--venue", str(config))
                    assert done.code == 2 and "goes with --cancel-all" in done.err
                    done = operator(
                        "halt", "--cancel-all", "--venue", str(config), "--within", "0.2", "--json"
                    )
                    told = json.loads(done.out)
                    assert done.code == 0 and told["failed"] == "" and not told["answered"]
                    assert venue.account("spot")["openOrders"] == []
                finally:
                    os.kill(process.pid, signal.SIGCONT)
                wait_for(lambda: operator.status()["trading_state"] == "HALTED")
                halted = operator.status()["state"]
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
            finally:
                process.kill()
        with live_appliance.start("run", config, "--json") as process:
            try:
                wait_for(lambda: is_running(name) or process.poll() is not None)
                told = operator.status()
                assert (told["trading_state"], told["state"]) == ("HALTED", halted), "it outlives"
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
            finally:
                process.kill()
        assert operator("status").code == 1
        assert operator("halt").code == 2
        done = operator("halt", "--cancel-all", "--venue", str(config))
        assert done.code == 0 and "at the venue 0 orders were cancelled" in done.out


@pytest.mark.parametrize("command", ["halt", "reduce", "status"])
def test_nothing_runs_there(appliance: Appliance, command: str) -> None:
    done = appliance(command, "no-such-run")
    assert done.code == (1 if command == "status" else 2)
    assert "nothing runs there" in done.out + done.err and "Traceback" not in done.err


@pytest.mark.parametrize("within", ["0", "-1", "x", "61", "nan"])
def test_a_time_that_is_none(appliance: Appliance, within: str) -> None:
    assert appliance("halt", "no-such-run", "--within", within).code == 2
