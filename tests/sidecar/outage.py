"""An appliance's telemetry and everything that can go wrong behind it, from one seed.

    python -m tests.sidecar.outage --minutes 30 --kills 50 --seed 1

A run writes telemetry all the time; `sidecar run` is killed (SIGKILL) again and again, influxd is
stopped, paused and restarted, a proxy answers 429, 413, 502 and 400 before or after it has asked.
In the end the sums and counts in the database are the run's own, and after each recovery the newest
point is soon there.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from appliance.abi.counters import Counter
from appliance.abi.telemetry import REGION_DIRECTORY, Lifecycle, Stage
from tests.sidecar.faulty_proxy import Proxy
from tests.sidecar.influxd import ROOT, Influxd, fetch
from tests.sidecar.regions import Run

PATIENCE_S: Final = 180.0
FAULTS: Final = (429, 502, 400, 503)


class Outage:
    def __init__(self, folder: Path, binary: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        self.influxd = Influxd(binary, folder)
        self.proxy = Proxy(self.influxd.port, seed)
        self.run = Run(Path(REGION_DIRECTORY), f"outage-{os.getpid()}", symbols=("BTCUSDT",))
        self.truth = {"fills": 0, "spans": 0}
        self.freshest_s: list[float] = []
        self.kills_n = 0
        self._over = threading.Event()
        self._writer = threading.Thread(target=self._write)
        self.config = folder / "sidecar.toml"
        (folder / "token").write_text("token")
        (folder / "token").chmod(0o600)
        self.config.write_text(
            f'regions = ["outage-{os.getpid()}"]\n[spool]\nfolder = "spool"\n[influx]\n'
            f'url = "{self.proxy.url}"\nbucket = "lonecore"\norg = "x"\ntoken_file = "token"\n'
        )
        self._sidecar: subprocess.Popen[bytes] | None = None

    # ---- the parts -------------------------------------------------------------------------------

    def _write(self) -> None:
        rng, number = random.Random(7), 0
        while not self._over.is_set():
            fills, spans = rng.randint(0, 3), rng.randint(0, 20)
            self.run.count(Counter.FILLS, fills)
            self.run.stage(Stage.GATE, rng.randint(10, 10**6), spans)
            for _ in range(fills):
                number += 1
                self.run.event(number, time.time_ns())
            self.truth["fills"] += fills
            self.truth["spans"] += spans
            self.run.beat(time.time_ns())
            time.sleep(0.02)

    def begin(self) -> None:
        self._writer.start()
        self.start_sidecar()

    def start_sidecar(self) -> None:
        with (self.folder / "sidecar.log").open("ab") as log:
            self._sidecar = subprocess.Popen(
                [sys.executable, "-m", "sidecar", "run", self.config], cwd=ROOT, stderr=log
            )

    def kill_sidecar(self) -> None:
        assert self._sidecar is not None and self._sidecar.poll() is None, "it ended by itself"
        self._sidecar.send_signal(signal.SIGKILL)
        self._sidecar.wait()
        self.kills_n += 1

    def told(self) -> dict[str, Any]:
        """What the sidecar says of itself."""
        try:
            told: dict[str, Any] = json.loads((self.folder / "spool" / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return told

    # ---- what goes wrong -------------------------------------------------------------------------

    def incident(self) -> str:
        kind = self.rng.choice(("pause", "restart", "answer", "lost answer", "too large", "away"))
        span_s = self.rng.uniform(0.5, 6.0)
        if kind == "pause":
            self.influxd.pause()
            self.wait(span_s)
            self.influxd.go_on()
        elif kind in ("restart", "away"):
            self.influxd.stop(signal.SIGKILL if kind == "away" else signal.SIGTERM)
            self.wait(span_s)
            self.influxd.start()
        elif kind == "too large":
            self.proxy.body_bytes_max = self.rng.choice((300, 2_000))
            self.wait(span_s)
            self.proxy.body_bytes_max = 1 << 30
        else:
            self.proxy.after = kind == "lost answer"
            # Of what 1.x took, an answer of 400 would say that it did not.
            self.proxy.fault = self.rng.choice(FAULTS if kind == "answer" else (502, 503))
            self.proxy.share = self.rng.choice((0.5, 1.0))
            self.wait(span_s)
            self.proxy.fault = 0
        return kind

    def wait(self, span_s: float) -> None:
        """Somewhere in between the sidecar may be killed, too."""
        if self.kills_left and self.rng.random() < 0.7:
            part_s = self.rng.uniform(0, span_s)
            time.sleep(part_s)
            self.kill_sidecar()
            self.kills_left -= 1
            time.sleep(self.rng.uniform(0, 1))
            self.start_sidecar()
            span_s -= part_s
        time.sleep(max(span_s, 0))

    kills_left = 0

    def until_fresh(self) -> float:
        """Seconds from a recovery until the database has a point of after it."""
        began_ns, began_s = time.time_ns(), time.monotonic()
        text = f"SELECT last(seq) FROM lc_hb WHERE time > {began_ns}"
        while time.monotonic() - began_s < PATIENCE_S:
            if self.influxd.query(text):
                self.freshest_s.append(time.monotonic() - began_s)
                return self.freshest_s[-1]
            time.sleep(0.05)
        raise AssertionError(f"nothing new arrives: {self.told()}")

    # ---- the end ---------------------------------------------------------------------------------

    def settle(self) -> dict[str, Any]:
        """Everything has arrived: what the database says beside the truth."""
        self._over.set()
        self._writer.join()
        self.run.region.set_lifecycle(Lifecycle.CLEAN)
        time.sleep(2.5)
        until_s = time.monotonic() + PATIENCE_S
        while (self.told().get("sender") or {}).get("behind_s", 99) > 1.5:
            assert time.monotonic() < until_s, f"it never ends: {self.told()}"
            time.sleep(0.2)
        assert self._sidecar is not None
        self._sidecar.terminate()
        assert self._sidecar.wait(60) == 0 and self.told()["sender"]["all_sent"]
        return {
            "truth": self.truth,
            "fills": self._sum("SELECT sum(delta) FROM lc_orders WHERE kind = 'fill'", "sum"),
            "spans": self._sum("SELECT sum(n) FROM lc_latency WHERE stage = 'gate'", "sum"),
            "heat": self._sum("SELECT sum(n) FROM lc_hist WHERE stage = 'gate'", "sum"),
            "events": self._sum('SELECT count("order") FROM lc_event', "count"),
            "gaps": self._sum("SELECT count(lost) FROM lc_gap", "count"),
            "quarantined": (self.told().get("sender") or {}).get("quarantined_n"),
            "kills": self.kills_n,
            "incidents": len(self.freshest_s),
            "fresh_s_most": round(max(self.freshest_s, default=0), 2),
        }

    def _sum(self, text: str, column: str) -> int:
        rows = self.influxd.query(text)
        return int(rows[0][column]) if rows else 0

    def close(self) -> None:
        self._over.set()
        if self._writer.is_alive():
            self._writer.join()
        if self._sidecar is not None and self._sidecar.poll() is None:
            self._sidecar.kill()
            self._sidecar.wait()
        self.run.end()
        self.proxy.close()
        self.influxd.stop()


def campaign(outage: Outage, minutes: float, kills: int) -> dict[str, Any]:
    outage.kills_left = kills
    outage.begin()
    outage.until_fresh()
    until_s = time.monotonic() + 60 * minutes
    while time.monotonic() < until_s or outage.kills_left:
        kind = outage.incident()
        fresh_s = outage.until_fresh()
        print(f"{kind}: fresh after {fresh_s:.2f} s, {outage.kills_n} kills", flush=True)
    return outage.settle()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    binary = fetch()
    if binary is None:
        sys.exit("influxd cannot be had here")
    with tempfile.TemporaryDirectory() as name:
        outage = Outage(Path(name), binary, options.seed)
        try:
            told = campaign(outage, options.minutes, options.kills)
        finally:
            outage.close()
    print(json.dumps(told))
    same = told["truth"]["fills"] == told["fills"] == told["events"]
    same &= told["truth"]["spans"] == told["spans"] == told["heat"]
    return 0 if same and told["gaps"] == 0 == told["quarantined"] else 1


if __name__ == "__main__":
    sys.exit(main())
