"""Delivery (sidecar.sender, lanes): whatever the server says, each line gets there, or is put aside
with its words."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar import lanes, sender
from sidecar.point import Class
from sidecar.sender import Sender
from sidecar.spool import Spool
from sidecar.transport import Answer, Outcome
from tests.sidecar.senders import POISON, S, Server, drain, fill, line


@pytest.fixture
def spool(tmp_path: Path):
    made = Spool(tmp_path / "spool", 1 << 30)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAIT_FIRST_S", "WAIT_MAX_S", "HELD_S"):
        monkeypatch.setattr(sender, name, 0.0)


def test_everything_once_and_in_order(spool: Spool) -> None:
    server = Server()
    made = Sender(spool, server, 1)
    written = fill(spool, range(1, 5))
    drain(made)
    assert Counter(server.taken) == Counter(written) and made.is_done()
    for kind in Class:
        assert [one for one in server.taken if one.startswith(kind.encode())] == [
            line(kind, n) for n in range(1, 5)
        ]
    assert made.sent.lines_n == 12 and made.sent.state == "sending"


def test_what_is_new_first_then_what_was_left_behind(spool: Spool) -> None:
    server = Server()
    made = Sender(spool, server, 1)
    server.says = lambda _: Answer(Outcome.LATER, "away")
    written = fill(spool, range(1, 60))
    made.step()
    assert made.sent.state == "waiting" and made.sent.said == "away" and not made.is_done()
    server.says = lambda _: Answer(Outcome.TAKEN)
    written += fill(spool, range(60, 62))
    drain(made)
    assert Counter(server.taken) == Counter(written) and made.is_done()
    numbers = [int(one.split()[-1]) for one in server.taken if one.startswith(b"a")]
    assert numbers[:2] == [60, 61] and numbers[2:] == list(range(1, 60))


def test_a_sender_that_starts_again_sends_nothing_twice(spool: Spool) -> None:
    first_server, second_server = Server(), Server()
    first = Sender(spool, first_server, 1)
    early = fill(spool, range(1, 9))
    drain(first)
    late = fill(spool, range(9, 12))
    drain(Sender(spool, second_server, 1))
    assert Counter(first_server.taken) == Counter(early)
    assert Counter(second_server.taken) == Counter(late)


def test_a_cursor_that_is_damaged_sends_all_of_it_again(spool: Spool) -> None:
    written = fill(spool, range(1, 9))
    drain(Sender(spool, Server(), 1))
    for content in ("", "{", "[]", '{"a": 5}', '{"a": {"live": "x", "backfill": []}}'):
        (spool.folder / lanes.FILE_NAME).write_text(content)
        server = Server()
        drain(Sender(spool, server, 1))
        assert Counter(server.taken) == Counter(written)


def test_lines_that_are_refused_are_put_aside_with_the_servers_words(spool: Spool) -> None:
    for said in ("unable to parse", "partial"):
        server = Server()
        server.says = lambda data, said=said: (
            Answer(Outcome.REFUSED, said) if POISON in data else Answer(Outcome.TAKEN)
        )
        made = Sender(spool, server, 1)
        number = spool.number + 1
        good = [line(Class.MUST, number, k) for k in range(40)]
        bad = [b"poison a=%di 1\n" % k for k in range(3)]
        mixed = good[:7] + bad[:1] + good[7:30] + bad[1:] + good[30:]
        spool.commit(number * S, {Class.MUST: b"".join(mixed)}, {})
        drain(made)
        assert set(server.taken) == set(good) and made.sent.quarantined_n == 3
        assert made.is_done()
        aside = (spool.folder / "quarantine.lp").read_bytes()
        assert all(b"# " + said.encode() + b"\n" + one in aside for one in bad)


def test_too_large_is_halved_and_a_line_that_stays_too_large_is_put_aside(spool: Spool) -> None:
    server = Server()
    server.says = lambda data: Answer(
        Outcome.TOO_LARGE if len(data) > 100 else Outcome.TAKEN, "HTTP 413"
    )
    made = Sender(spool, server, 1)
    written = fill(spool, range(1, 3), each=50)
    huge = b"m a=" + b"1" * 200 + b"i 1\n"
    spool.commit(3 * S, {Class.MUST: huge}, {})
    drain(made)
    assert Counter(server.taken) == Counter(written) and made.sent.quarantined_n == 1
    assert huge in (spool.folder / "quarantine.lp").read_bytes()


def test_a_server_that_refuses_everything_is_waited_for(spool: Spool) -> None:
    server = Server()
    server.says = lambda _: Answer(Outcome.REFUSED, "HTTP 400: some proxy")
    made = Sender(spool, server, 1)
    written = fill(spool, range(1, 3), each=9)
    for _ in range(5):
        made.step()
    assert made.sent.quarantined_n == 0 and made.sent.state == "waiting"
    server.says = lambda _: Answer(Outcome.TAKEN)
    drain(made)
    assert Counter(server.taken) == Counter(written)


def test_a_server_that_refuses_at_random_costs_no_line(spool: Spool) -> None:
    rng = random.Random(5)
    server = Server()
    server.says = lambda _: Answer(
        Outcome.REFUSED if rng.random() < 0.5 else Outcome.TAKEN, "HTTP 400: some proxy"
    )
    made = Sender(spool, server, 1)
    written = fill(spool, range(1, 20), each=9)
    drain(made)
    assert set(server.taken) == set(written) and made.sent.quarantined_n == 0


def test_what_we_may_not_is_held_and_told(spool: Spool) -> None:
    server = Server()
    server.says = lambda _: Answer(Outcome.HELD, "HTTP 401: unauthorized")
    made = Sender(spool, server, 1)
    written = fill(spool, range(1, 3))
    made.step()
    assert (made.sent.state, made.sent.said) == ("held", "HTTP 401: unauthorized")
    server.says = lambda _: Answer(Outcome.TAKEN)
    drain(made)
    assert Counter(server.taken) == Counter(written)


def test_waiting_grows_has_chance_in_it_and_does_as_it_is_told(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "WAIT_FIRST_S", 0.5)
    monkeypatch.setattr(sender, "WAIT_MAX_S", 8.0)
    made = Sender(spool, Server(), 1)
    waits: list[float] = []
    monkeypatch.setattr(made._over, "wait", lambda s: bool(waits.append(s)))
    for _ in range(200):
        made._wait(Answer(Outcome.LATER))
    assert all(0 <= s <= 8 for s in waits) and len(set(waits)) == 200
    assert max(waits[:1]) <= 0.5 and max(waits[:2]) <= 1.0 and max(waits) > 7
    made._wait(Answer(Outcome.LATER, "", 33.0))
    assert waits[-1] == 33.0


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_any_server(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """It says anything at any time, and the sender is started anew at any time."""
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("any")
    server, written = Server(), []

    mood = {"refuses": False, "requests": 4}

    def says(data: bytes) -> Answer:
        chance = rng.random()
        mood["requests"] -= 1
        if mood["requests"] == 0:
            mood.update(refuses=rng.random() < 0.3, requests=rng.randint(4, 20))
        if mood["refuses"]:
            return Answer(Outcome.REFUSED, "none of it")
        if chance < 0.3:
            return Answer(Outcome.LATER, "away", rng.choice((0.0, 0.0, 1e-6)))
        if chance < 0.35:
            return Answer(Outcome.HELD, "not you")
        if POISON in data:
            return Answer(Outcome.REFUSED, rng.choice(("partial", "none of it")))
        if len(data) > 2_000 and chance < 0.5:
            return Answer(Outcome.TOO_LARGE, "413")
        return Answer(Outcome.TAKEN)

    server.says = says
    spool = Spool(folder, 1 << 30)
    made = Sender(spool, server, seed)
    poison_n = 0
    for number in range(1, 30):
        lines = [line(Class.MUST, number, k) for k in range(rng.randint(0, 30))]
        written += lines
        if rng.random() < 0.1:
            lines.insert(rng.randint(0, len(lines)), b"poison a=%di 1\n" % number)
            poison_n += 1
        spool.commit(number * rng.choice((1, 3)) * S, {Class.MUST: b"".join(lines)}, {})
        for _ in range(rng.randint(0, 3)):
            made.step()
        if rng.random() < 0.1:
            made = Sender(spool, server, seed)
    drain(made)
    assert set(server.taken) == set(written) and made.is_done()
    aside = folder / "quarantine.lp"
    told = aside.read_bytes() if aside.exists() else b""
    assert len({one for one in told.splitlines() if one.startswith(POISON)}) == poison_n
    spool.close()


def test_its_thread_ends_when_it_is_told_to(spool: Spool) -> None:
    server = Server()
    made = Sender(spool, server, 1)
    made.start()
    written = fill(spool, range(1, 5))
    for _ in range(500):
        if made.is_done():
            break
        made._over.wait(0.02)
    made.stop()
    assert Counter(server.taken) == Counter(written)
    assert server.closed and not made._thread.is_alive()
    assert json.dumps(made.told())
