"""One kind of connection kept open: replaced before it ends, and made again when it did."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.link import LinkEnd, LinkState
from appliance.cold.live.channel import OVERLAP_S
from appliance.cold.live.opening import OpeningFailed
from tests.strategies.channel_bench import LIFE_S, SILENCE_S, Bench, Clock, use


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    use(made, monkeypatch)
    return made


@pytest.fixture
def bench(clock: Clock) -> Iterator[Bench]:
    made = Bench(clock)
    yield made
    made.close()


def run(work) -> None:
    asyncio.run(work)


def test_connects_at_once_and_is_open_when_the_loop_has_it(bench: Bench) -> None:
    async def work() -> None:
        bench.slow = True
        await bench.step()
        assert (len(bench.asked_s), bench.states(), bench.channel.is_open) == (1, [], False)
        await bench.step(60.0)
        assert len(bench.asked_s) == 1, "one attempt at a time"
        bench.gate.set()
        await bench.step()
        assert bench.states() == [LinkState.OPEN] and bench.channel.is_open
        assert (bench.channel.connects_n, bench.channel.rotations_n) == (1, 0)
        for _ in range(50):
            await bench.step(10.0)
        assert len(bench.asked_s) == 1 and bench.said == []

    run(work())


def test_an_old_connection_is_replaced_before_it_is_let_go(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        bench.slow = True
        await bench.step(LIFE_S + 1)
        await bench.step(20.0)
        assert len(bench.asked_s) == 2 and bench.states() == [LinkState.OPEN]
        assert not bench.links.wishes[old.k], "no successor yet"
        bench.gate.set()
        await bench.step()
        assert bench.states() == [LinkState.OPEN] * 2
        await bench.step(OVERLAP_S - 0.1)
        assert bench.states() == [LinkState.OPEN] * 2, "both deliver for a while"
        await bench.step(0.2)
        await bench.step()
        assert bench.states() == [LinkState.OPEN] and bench.links_now != [old]
        assert (bench.channel.connects_n, bench.channel.rotations_n) == (2, 1)
        assert bench.channel.ends == {"retired": 1}
        assert bench.said == ["books: replaced: old"]
        await bench.step(LIFE_S - 10)
        assert len(bench.asked_s) == 2, "the successor is young"

    run(work())


def test_the_venue_announces_its_end(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        bench.slow = True
        for _ in range(3):
            bench.channel.replace("the venue announced its end")
            await bench.step(1.0)
        bench.gate.set()
        await bench.step()
        assert len(bench.asked_s) == 2 and bench.said == [
            "books: replaced: the venue announced its end"
        ]
        bench.end(old, LinkEnd.CLOSE_FRAME, 1001)
        await bench.step()
        assert bench.states() == [LinkState.OPEN]
        assert bench.said[1:] == ["books: connection ended: close_frame (1001)"]
        for _ in range(20):
            await bench.step(5.0)
        assert len(bench.asked_s) == 2, "the successor does for both"

    run(work())


def test_a_silent_connection_is_noticed_and_let_go_at_once(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        await bench.step(SILENCE_S - 0.5, heard=False)
        assert bench.channel.silences_n == 0
        await bench.step(1.0, heard=False)
        await bench.step(heard=False)
        assert (bench.channel.silences_n, len(bench.asked_s)) == (1, 2)
        await bench.step(heard=False)
        await bench.step(heard=False)
        assert bench.states() == [LinkState.OPEN] and bench.said == ["books: replaced: silent"]

    run(work())


def test_silence_counts_once_however_long_the_successor_takes(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        bench.failure = lambda: OpeningFailed("no")
        for _ in range(200):
            await bench.step(0.5, heard=False)
        assert bench.channel.silences_n == 1 and len(bench.asked_s) > 3
        assert bench.states() == [LinkState.OPEN], "kept as long as there is no other"

    run(work())


@pytest.mark.parametrize(
    ("why", "detail", "shown"),
    [
        (LinkEnd.CLOSED, 0, "closed"),
        (LinkEnd.CLOSE_FRAME, 1001, "close_frame (1001)"),
        (LinkEnd.SOCKET, 104, "socket (104)"),
        (LinkEnd.DESK_FULL, 0, "desk_full"),
    ],
)
def test_a_lost_connection_is_told_of_and_made_again(bench, why, detail, shown) -> None:
    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        bench.end(old, why, detail)
        await bench.step()
        assert bench.said == [f"books: connection ended: {shown}"]
        assert len(bench.asked_s) == 2 and bench.states() == [LinkState.OPEN]
        assert bench.channel.ends == {why.name.lower(): 1}

    run(work())


def test_close_lets_go_of_everything_and_connects_no_more(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        bench.slow = True
        bench.channel.replace("old")
        await bench.step()
        assert len(bench.asked_s) == 2
        await bench.channel.close()
        bench.loop()
        assert bench.states() == [LinkState.ENDED]
        bench.gate.set()
        await asyncio.sleep(0)
        assert len(bench.links_now) == 1

    run(work())


ACTS = st.sampled_from(
    ["calm", "calm", "end", "silent", "fail", "mend", "shutdown", "old", "retire"]
)


@settings(max_examples=25)
@given(st.lists(st.tuples(ACTS, st.floats(0.01, 8.0)), max_size=40))
def test_whatever_happens_there_are_two_at_most_and_one_in_the_end(acts) -> None:
    clock = Clock()

    async def act(bench: Bench, name: str, later_s: float) -> None:
        links = bench.links_now
        if name == "end" and links:
            bench.end(links[-1])
        elif name == "retire" and links:
            bench.table.retire(links[0])
        elif name in ("fail", "mend"):
            bench.failure = (lambda: OpeningFailed("no")) if name == "fail" else None
        elif name == "shutdown":
            bench.channel.replace("the venue announced its end")
        alone_n = bench.let_go_alone_n
        await bench.step(LIFE_S if name == "old" else later_s, heard=name != "silent")
        assert len(bench.links_now) <= 2
        assert name == "retire" or bench.let_go_alone_n == alone_n, "break before make"

    async def work() -> None:
        bench = Bench(clock)
        for name, later_s in acts:
            await act(bench, name, later_s)
        bench.failure = None
        for _ in range(100):
            await bench.step(1.0)
        assert bench.states() == [LinkState.OPEN]
        bench.close()

    with pytest.MonkeyPatch.context() as patch:
        use(clock, patch)
        run(work())
