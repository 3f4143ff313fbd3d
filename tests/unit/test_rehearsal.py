"""The made-up venue of the start, with loops that are plain Python."""

import asyncio
import time
from typing import Any

import pytest

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.limits import LINKS_MAX
from appliance.abi.link import LinkRole, LinkState
from appliance.cold.live import rehearsal
from appliance.cold.live.rehearsal import rehearse, rehearse_cold
from appliance.cold.strategy_loader import load_strategy
from appliance.cold.warm_up import WarmUpError
from appliance.hot import duty_cycle
from appliance.hot.frame_ring import peek, release
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import make_links, receive_some
from appliance.hot.wire.websocket_reader import NOTHING, PING, TEXT, WebsocketReader, next_frame
from tests.strategies.cores import small_core

CYCLES = (1, 0)


class PlainLoop:
    """Takes every frame and remembers what it was."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, dict[LinkRole, list[int]], int]] = []

    def __call__(self, core: Any, links: Any) -> int:
        seen: dict[LinkRole, list[int]] = {role: [] for role in LinkRole}
        rest_n = 0
        while core.control[c.COMMAND] == c.Command.RUN:
            for k in range(LINKS_MAX):
                if links.states[k] == LinkState.OFFERED:
                    links.states[k] = LinkState.OPEN
                while links.states[k] == LinkState.OPEN and (opcode := self._next(links, k)):
                    role = LinkRole(int(links.records[k].role))
                    seen[role].append(opcode)
                    if (role, opcode) == (LinkRole.ORDERS, TEXT):
                        core.telemetry.counters[Counter.ACKS, 0] += 1
                    if (role, opcode) == (LinkRole.BOOKS, TEXT):
                        core.control[c.FRAMES_DONE] += 1
                        core.telemetry.counters[Counter.MARKET_RECORDS, 0] += 1
            while int(peek(core.ingress)) >= 0:
                release(core.ingress)
                core.control[c.FRAMES_DONE] += 1
                rest_n += 1
        self.runs.append((int(core.control[c.PAPER]), seen, rest_n))
        return 0

    def _next(self, links: Any, k: int) -> int:
        """Opcode of the next frame; 0: none is there."""
        reader = WebsocketReader(links.read_data[k], links.read_words[k])
        code = int(next_frame(reader))
        if code == NOTHING and int(receive_some(links, k)) > 0:
            code = int(next_frame(reader))
        return 0 if code == NOTHING else code


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> PlainLoop:
    made = PlainLoop()
    monkeypatch.setattr(duty_cycle, "run_live", made)
    return made


def test_every_kind_of_thing_is_met_on_both_markets_live_and_on_paper(loop: PlainLoop) -> None:
    rehearse(load_strategy("market_maker", {}), CYCLES)
    assert [paper for paper, *_ in loop.runs] == [0, 1, 0, 1]
    for _, seen, rest_n in loop.runs:
        assert {TEXT, PING} <= set(seen[LinkRole.BOOKS])
        assert seen[LinkRole.BOOKS].count(TEXT) > 20 and rest_n > 0
        assert TEXT in seen[LinkRole.ORDERS]


def test_a_loop_that_takes_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon, and not once for each frame."""

    def idle(core: Any, links: Any) -> int:
        while core.control[c.COMMAND] == c.Command.RUN:
            time.sleep(0.001)
        return 0

    monkeypatch.setattr(duty_cycle, "run_live", idle)
    monkeypatch.setattr(rehearsal, "_PATIENCE_S", 0.2)
    with pytest.raises(WarmUpError, match="SPOT: the loop made nothing of it"):
        rehearse(load_strategy("market_maker", {}), CYCLES)


def test_a_loop_that_makes_nothing_of_it_stops_the_start(
    loop: PlainLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(core: Any, links: Any) -> int:
        result = loop(core, links)
        core.telemetry.counters[Counter.MARKET_RECORDS, 0] = 0
        return result

    monkeypatch.setattr(duty_cycle, "run_live", forgetful)
    with pytest.raises(WarmUpError, match="made nothing"):
        rehearse(load_strategy("market_maker", {}), CYCLES)


def test_the_cold_side_calls_what_it_will_call_and_leaves_nothing_behind() -> None:
    core = small_core()
    links = make_links(3, make_rings(1 << 20).to_desk)
    asyncio.run(rehearse_cold(core, links))
    assert not links.states.any()
    assert int(peek(links.to_desk)) < 0 and int(peek(core.to_clerk)) < 0
