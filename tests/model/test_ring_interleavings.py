"""Every interleaving of a producer and a consumer, at the accesses that the other side can see.

The uncompiled functions run in two threads of which one moves at a time; each stops before every
ordered access, and a schedule says who goes on. All schedules are tried (sequential consistency:
what weaker memory adds is the business of tests/stress).
"""

import threading

import numpy as np
import pytest

from appliance.abi.layout import slot_dtype
from appliance.hot import broadcast, ring
from appliance.hot.atomics import load_acquire, store_release

RECORD = slot_dtype([("sequence", "<i8"), ("low", "<i8"), ("high", "<i8")])
SCHEDULES_MAX = 20_000


class Stage:
    """Runs the actors step by step, as the schedule says: entry i is who makes step i.

    Each actor first runs up to its first step; before that it touches nothing of the other's.
    """

    def __init__(self, actors, schedule):
        self.schedule = schedule
        self.choices = []  # at each step, who could have gone on
        self.running = list(range(len(actors)))
        self.turn = threading.Lock()
        self.turn.acquire()
        self.gates = [threading.Lock() for _ in actors]
        self.acting = 0
        self.threads = [
            threading.Thread(target=self._act, args=(number, actor), daemon=True)
            for number, actor in enumerate(actors)
        ]

    def _act(self, number, actor):
        self.gates[number].acquire()
        try:
            actor()
        finally:
            self.running.remove(number)
            self.turn.release()

    def _go_on(self, number):
        self.acting = number
        self.gates[number].release()
        self.turn.acquire()

    def step(self):
        """Called by an actor before each access."""
        gate = self.gates[self.acting]
        self.turn.release()
        gate.acquire()

    def play(self):
        for gate in self.gates:
            gate.acquire()
        for number, thread in enumerate(self.threads):
            thread.start()
            self._go_on(number)
        taken = []
        while self.running:
            able = list(self.running)
            place = len(taken)
            chosen = self.schedule[place] if place < len(self.schedule) else able[0]
            self.choices.append(able)
            taken.append(chosen)
            self._go_on(chosen)
        for thread in self.threads:
            thread.join()
        return taken


def schedules(make_stage):
    """Play every schedule, depth first; yields after each."""
    schedule = []
    for _ in range(SCHEDULES_MAX):
        stage = make_stage(schedule)
        taken = stage.play()
        yield
        while taken and taken[-1] == stage.choices[len(taken) - 1][-1]:
            taken.pop()
        if not taken:
            return
        able = stage.choices[len(taken) - 1]
        schedule = [*taken[:-1], able[able.index(taken[-1]) + 1]]
    raise AssertionError("more schedules than expected")


@pytest.fixture
def plain(monkeypatch):
    """Both modules uncompiled, their ordered accesses handed to the stage of the moment."""
    holder = {}

    def load(words, index):
        holder["stage"].step()
        return load_acquire(words, index)

    def store(words, index, value):
        holder["stage"].step()
        store_release(words, index, value)

    def copy(target, target_index, source, source_index):
        """In two parts: the other side may come between."""
        for names in (["sequence", "low"], ["high"]):
            holder["stage"].step()
            for name in names:
                target[target_index][name] = source[source_index][name]

    for module in (ring, broadcast):
        for name, value in list(vars(module).items()):
            monkeypatch.setattr(module, name, getattr(value, "py_func", value))
        monkeypatch.setattr(module, "load_acquire", load)
        monkeypatch.setattr(module, "store_release", store)
    monkeypatch.setattr(broadcast, "copy_record", copy)
    return holder


def test_ring(plain):
    messages, attempts = 3, 3
    fulls = empties = 0

    def make_stage(schedule):
        nonlocal stage, sent, got
        r = ring.make_ring(2, RECORD)
        sent, got = [], []

        def produce():
            for number in range(messages):
                index = ring.claim(r)
                sent.append(index >= 0)
                if index >= 0:
                    r.slots[index].low = number
                    stage.step()  # the slot is half filled
                    r.slots[index].high = number
                    ring.publish(r)

        def consume():
            for _ in range(attempts):
                index = ring.peek(r)
                if index < 0:
                    got.append(None)
                    continue
                low = int(r.slots[index].low)
                stage.step()  # half read
                got.append((low, int(r.slots[index].high)))
                r.slots[index].low = r.slots[index].high = -1
                ring.release(r)

        stage = plain["stage"] = Stage([produce, consume], schedule)
        return stage

    stage, sent, got = None, [], []
    played = 0
    for _ in schedules(make_stage):
        played += 1
        received = [pair for pair in got if pair is not None]
        accepted = [(number, number) for number, ok in enumerate(sent) if ok]
        assert received == accepted[: len(received)]
        assert sent[:2] == [True, True]  # two slots: never full for the first two
        fulls += sent.count(False)
        empties += got.count(None)
    print(f"{played} schedules, full {fulls} times, empty {empties} times")
    assert played > 500 and fulls and empties


def test_broadcast(plain):
    results = set()

    def make_stage(schedule):
        nonlocal stage, cursor, got
        b = broadcast.make_broadcast(2, RECORD)
        cursor = broadcast.make_cursor(b)
        got = []
        plain["stage"] = Stage([], [])
        plain["stage"].step = lambda: None
        fill(b, 0), fill(b, 1)  # the ring is full: the next one laps the reader

        def produce():
            fill(b, 2)

        def consume():
            out = np.zeros(1, RECORD).view(np.recarray)
            if broadcast.read(b, cursor, out):
                got.append((int(out[0].low), int(out[0].high)))

        stage = plain["stage"] = Stage([produce, consume], schedule)
        return stage

    def fill(b, number):
        index = broadcast.begin(b)
        plain["stage"].step()
        b.slots[index].low = number
        plain["stage"].step()
        b.slots[index].high = number
        broadcast.commit(b)

    stage, cursor, got = None, None, []
    played = 0
    for _ in schedules(make_stage):
        played += 1
        for low, high in got:
            assert low == high == cursor[0] - 1
        assert len(got) + cursor[1] == cursor[0]
        results.add((tuple(got), int(cursor[1])))
    print(f"{played} schedules: {sorted(results)}")
    # The record it came for, the one after it, or (lapped in full) the newest: never a torn one
    assert results == {(((0, 0),), 0), (((1, 1),), 1), (((2, 2),), 2)}
