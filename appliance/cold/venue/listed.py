"""The instruments that a venue lists: made-up ones, or those of a recording."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from appliance.abi.market import Market
from appliance.cold.recording import SnapshotFile
from appliance.cold.synthetic.flow import Flow
from appliance.cold.synthetic.matching import MatchingEngine
from appliance.cold.synthetic.symbols import Contract, contracts
from appliance.cold.synthetic.tape import Counter, Tape
from appliance.cold.venue.hub import CADENCES_MS
from appliance.cold.venue.instrument import Instrument, Source
from appliance.cold.venue.recorded_crowd import RecordedCrowd
from appliance.cold.venue.recorded_market import read_markets
from appliance.cold.venue.recording_source import Pace, RecordingSource
from appliance.cold.venue.synthetic_source import SyntheticSource


def made_up(
    market: Market, symbols: Sequence[str], *, seed: int, start_ns: int, actions_per_s: int
) -> list[Instrument]:
    """Random flow in each symbol. The same seed flows the same."""
    counter = _shared_counter(market, seed)
    listed = []
    for number, contract in enumerate(contracts(symbols, market)):
        flow = Flow(contract, Random(seed * 1_000_003 + 2 + number), actions_per_s)
        source = SyntheticSource(flow, start_ns)
        listed.append(_instrument(contract, flow.engine, counter, number, source))
    return listed


@dataclass(frozen=True, slots=True)
class Recording:
    """What to play. ``symbols`` None: all that have a book in the files."""

    paths: Sequence[Path]
    snapshots: Sequence[SnapshotFile] = ()
    symbols: Sequence[str] | None = None
    speed: float = 1.0
    repeats: bool = False


def recorded(recording: Recording, *, seed: int) -> dict[Market, list[Instrument]]:
    """The instruments of a recording by market; it begins when it has been read.

    Books are empty until their snapshots come. Raises ApplianceError.
    """
    markets = read_markets(recording.paths, recording.snapshots, recording.symbols)
    first_ns, last_ns = min(m.first_ns for m in markets), max(m.last_ns for m in markets)
    pace = Pace(time.time_ns(), first_ns, last_ns, recording.speed, recording.repeats)
    by_market: dict[Market, list[Instrument]] = {}
    counters = {market: _shared_counter(market, seed) for market in Market}
    for one in markets:
        engine, market = RecordedCrowd(), one.contract.market
        source = RecordingSource(one, engine, pace)
        mine = by_market.setdefault(market, [])
        mine.append(_instrument(one.contract, engine, counters[market], len(mine), source))
    return by_market


def _shared_counter(market: Market, seed: int) -> Counter | None:
    """USD-M has one counter of update ids for all symbols; it skips."""
    return Counter(Random(seed * 1_000_003 + 1)) if market == Market.USDM else None


def _instrument(
    contract: Contract, engine: MatchingEngine, counter: Counter | None, number: int, source: Source
) -> Instrument:
    ids = Counter(None, number) if counter is None else counter
    tape = Tape(engine, ids, len(CADENCES_MS[contract.market]))
    return Instrument(contract, engine, tape, source)
