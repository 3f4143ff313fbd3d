"""A seeded campaign: frames spoilt in every way, the compiled decoder (appliance.hot.decode)
against the clerk.

``python -m tests.fuzz.fuzz_decode [frames] [seed]`` from the root of the project, or by
LONECORE_FUZZ_N and LONECORE_FUZZ_SEED; prints what was taken and every disagreement.
"""

import gzip
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from appliance.abi.market import Kind
from appliance.cold.clerk import Clerk
from appliance.cold.verdict import Verdict
from tests.fuzz.mutate import Mutator
from tests.strategies.frames import INSTRUMENTS
from tests.strategies.hot_decoder import HOSTILE, Reading, expected, new_decoder, read

FRAMES_N = int(os.environ.get("LONECORE_FUZZ_N", "3000"))
SEED = int(os.environ.get("LONECORE_FUZZ_SEED", "1"))
ANOTHER_DECODER_EVERY = 23  # frames: a decoder that has learnt nothing reads one of so many
FAILURES_MAX = 1000


def shapes() -> list[bytes]:
    """One frame of each form that the venue sends, written by hand, with symbols of ours."""
    side = '[["61837.63000000","3.78826000"],["61837.00000000","0.00000000"]]'
    mixed = '[["9.99","3"],["10.00","3.5"],["10","12.00001"],["61837.63","0.00000"]]'
    tenths = '[["61837.6","0.250"],["61837.7","12.250"],["9.1","0"]]'
    spot = (
        f'{{"e":"depthUpdate","E":1723161255000,"s":"BTCUSDT","U":100,"u":105,"b":{side},"a":[]}}'
    )
    usdm = (
        '{"e":"depthUpdate","E":1723161255000,"T":1723161254999,"s":"BTCUSDC","U":100,"u":105,'
        f'"pu":99,"b":{tenths},"a":[["61838.0","1.000"]]}}'
    )
    micro = spot.replace("1723161255000", "1723161255000123").replace(side, mixed)
    bare = f'{{"lastUpdateId":50093239218,"bids":{side},"asks":{mixed}}}'
    ticker = '{"u":5009,"s":"BTCUSDT","b":"61837.63","B":"0.71","a":"61837.64000000","A":"2.00001"}'
    usdm_ticker = (
        '{"e":"bookTicker","u":5123,"s":"BTCUSDC","b":"61837.60","B":"7.1","a":"61837.7","A":"2",'
        '"T":1723161255000,"E":1723161255001}'
    )
    trade = (
        '{"e":"trade","E":1723161255000,"s":"BTCUSDT","t":3726,"p":"61837.63000000",'
        '"q":"0.00017000","b":7,"a":8,"T":1723161254999,"m":true,"M":true}'
    )
    usdm_trade = trade.replace("BTCUSDT", "BTCUSDC").replace('"M":true', '"X":"MARKET","st":1')
    usdm_trade = usdm_trade.replace("7.63000000", "7.6").replace("0.00017000", "0.001")
    agg = trade.replace('"trade"', '"aggTrade"').replace('"t":3726,', "")
    agg = agg.replace('"b":7,"a":8', '"a":26129,"f":100,"l":105')
    chinese = '{"u":9,"s":"这是测试币456","b":"0.0123","B":"8","a":"0.0124","A":"80000000"}'
    kline = '{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1,"i":"1m","o":"0.0010","x":false,"B":[]}}'
    enveloped = [
        *[("btcusdt@depth", spot), ("btcusdt@depth@100ms", micro), ("btcusdc@depth@0ms", usdm)],
        *[("btcusdt@depth20@100ms", bare), ("btcusdc@depth5@500ms", usdm), ("!x@depth", usdm)],
        *[("btcusdt@bookTicker", ticker), ("!bookTicker", usdm_ticker), ("btcusdt@trade", trade)],
        *[("btcusdc@trade", usdm_trade), ("btcusdt@aggTrade", agg), ("btcusdt@kline_1m", kline)],
        *[("这是测试币456@bookTicker", chinese), ("ethusdt@depth", spot.replace("BTC", "ETH"))],
    ]
    texts = [f'{{"stream":"{stream}","data":{event}}}' for stream, event in enveloped]
    texts += [json.dumps(json.loads(text)) for text in texts]
    texts += [bare, spot, usdm, ticker, usdm_trade, agg, '{"result":null,"id":1}', f"[{kline}]"]
    return [text.encode() for text in texts]


def recorded(folder: Path, every: int = 997) -> Iterator[bytes]:
    """Some frames of each recording, no longer than 4 kB."""
    for path in sorted(folder.glob("hftbacktest/*/*/*.gz")):
        with gzip.open(path) as lines:
            for line in islice(lines, 0, 40_000, every):
                frame = line.rstrip(b"\n").partition(b" ")[2]
                if len(frame) < 4096:
                    yield frame
    for path in folder.glob("crypto-msg-parser/*.jsonl"):
        yield from path.read_bytes().splitlines()


@dataclass
class Campaign:
    """What a run found. ``failures`` are (what is wrong, frame, hint)."""

    taken: Counter[Kind] = field(default_factory=Counter)
    sound: Counter[Kind] = field(default_factory=Counter)  # by the clerk
    failures: list[tuple[str, bytes, int]] = field(default_factory=list)

    def judge(self, frame: bytes, hint: int, reading: Reading, verdict: Verdict) -> None:
        self.taken[reading.kind] += 1
        self.sound[verdict.kind] += 1
        if reading.kind is Kind.UNDECIDED or len(self.failures) >= FAILURES_MAX:
            return
        if reading != expected(verdict):
            what = f"{reading.kind.name}, but {verdict.kind.name} {verdict.detail}"
            self.failures.append((what, frame, hint))

    def lines(self) -> Iterator[str]:
        for kind in Kind:
            yield f"{kind.name:10} compiled {self.taken[kind]:8} clerk {self.sound[kind]:8}"
        yield f"disagreements: {len(self.failures)}"
        for what, frame, hint in self.failures:
            yield f"{what}\n  hint {hint}: {frame[:1500]!r}"


def run(frames_n: int, seed: int, corpus: list[bytes]) -> Campaign:
    """``frames_n`` spoilt frames through both decoders."""
    mutator = Mutator(corpus, seed)
    rng = mutator.rng
    clerk = Clerk(INSTRUMENTS)
    warm = new_decoder()
    campaign = Campaign()
    for n in range(frames_n):
        frame = mutator.frame()
        hint = rng.choice((-1, -1, 0, 1, 2))
        behind = rng.choice((rng.choice(HOSTILE), rng.choice(corpus)))
        if rng.random() < 0.05 and frame:
            cut = rng.randrange(len(frame))
            frame, behind = frame[:cut], frame[cut:] + behind
        reading = read(warm, frame, hint, behind, rng.choice(HOSTILE))
        campaign.judge(frame, hint, reading, clerk.decide(frame, instrument_hint=hint))
        if n % ANOTHER_DECODER_EVERY == 0 and read(new_decoder(), frame, hint) != reading:
            campaign.failures.append(("depends on what was read before", frame, hint))
    return campaign


def main() -> int:
    frames_n = int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES_N
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("LONECORE_DATA", root.parent / "shared" / "data"))
    campaign = run(frames_n, seed, shapes() + list(recorded(folder)))
    print("\n".join(campaign.lines()))
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
