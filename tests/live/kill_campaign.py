"""A trading process killed (SIGKILL) at random moments, again and again; everything from one seed.

    python -m tests.live.kill_campaign --kills 100 --market spot --seed 1

After each kill `appliance run --reconcile` settles what was left, and then: positions of the
journal are what the venue's trades add up to, nothing is open, no order was sent twice, and every
record of the journal is whole. Some of the time the venue answers late, not at all, or hangs up,
so that orders are in flight and unknown.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold.journal_file import journal_path
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import ROOT, VenueProcess

EAGER: Final = Path(__file__).with_name("eager.py")
WAIT_S: Final = 180.0
FAULTS: Final = (
    {},
    {"on": "api", "delay": 0.5, "delay_ms": 150},
    {"on": "all", "delay": 0.3, "delay_ms": 60},
    {"on": "api", "disconnect": 0.02},
    {"on": "api", "drop": 0.1},
)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "appliance", *map(str, words)]


def ask(*words: object) -> Any:
    """The JSON of a command that must go well."""
    done = subprocess.run(
        command(*words, "--json"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{words}: {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


class Killing:
    """One venue, one configuration, one journal."""

    def __init__(self, venue: VenueProcess, folder: Path, market: Market, seed: int) -> None:
        self.venue, self.market, self.rng = venue, market.name.lower(), random.Random(seed)
        session = {"answer_timeout_ms": 500, "stream_silence_ms": 3000}
        self.config = write_run(folder, venue.ready, market, strategy=EAGER, **session)
        self.journal = journal_path(folder / "journal", run_name(venue.ready["port"]))
        self.seen = {"resting": 0, "partial": 0, "in flight": 0, "unknown": 0}

    def open_epochs(self) -> set[str]:
        rows = self.venue.account(self.market)["openOrders"]
        return {row["clientOrderId"].split("-")[1] for row in rows}

    def kill_once(self) -> None:
        before = self.open_epochs()
        process = subprocess.Popen(
            command("run", self.config, "--json"),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                end_s = time.monotonic() + WAIT_S
                while not self.open_epochs() - before:
                    assert process.poll() is None and process.stderr is not None, "it ended"
                    assert time.monotonic() < end_s, "it does not trade"
                    time.sleep(0.01)
                self.venue.fetch("/venue/faults", self.rng.choice(FAULTS))
                time.sleep(self.rng.uniform(0.0, 1.5))
            finally:
                os.kill(process.pid, signal.SIGKILL)
        self.venue.fetch("/venue/faults", {"delay": 0.0, "disconnect": 0.0, "drop": 0.0})

    def check(self) -> dict[str, int]:
        """Everything agrees; what the journal did not know before the venue was asked."""
        for order in ask("journal", self.journal, "--replay")["open_orders"]:
            name = {"SENT": "in flight", "UNKNOWN": "unknown", "PARTIAL": "partial"}
            self.seen[name.get(order["state"], "resting")] += 1
        ledger = ask("run", self.config, "--reconcile")
        account = self.venue.account(self.market)
        assert account["openOrders"] == [] == ledger["open_orders"], account["openOrders"]
        held = {row["symbol"]: Decimal(row["position"]) for row in ledger["positions"]}
        theirs = self.venue.positions(self.market)
        for symbol in SYMBOLS:
            assert held.get(symbol, 0) == theirs.get(symbol, 0), (symbol, held, theirs)
        verified = ask("journal", self.journal, "--verify")
        assert verified["faults"] == []
        return {"records": verified["records"], "trades": account["tradesTotal"]}

    def no_order_twice(self) -> int:
        """Of all that ever were: each client id was sent once, and the venue knows no other."""
        rows = ask("journal", self.journal, "--kind", "INTENT")["records"]
        ids = [row["order"] for row in rows]
        assert len(ids) == len(set(ids))
        known = set(ids)
        for trade in self.venue.account(self.market)["trades"]:
            assert trade.get("clientOrderId", next(iter(known))) in known
        return len(ids)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--market", choices=["spot", "usdm"], default="spot")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    market = Market[options.market.upper()]
    words = ["--market", options.market, "--symbols", ",".join(SYMBOLS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with VenueProcess(folder, *words, "--seed", str(options.seed)) as venue:
            killing = Killing(venue, folder, market, options.seed)
            for n in range(1, options.kills + 1):
                killing.kill_once()
                facts = killing.check()
                if n % 10 == 0 or n == options.kills:
                    print(f"{n} kills, {facts}, open when killed: {killing.seen}", flush=True)
            orders_n = killing.no_order_twice()
    print(f"{options.kills} kills, {orders_n} orders, 0 differences, none twice, none forgotten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
