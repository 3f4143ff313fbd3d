"""Spoiled sessions are spoiled as asked, and nowhere else."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from appliance.cold.recording import Line
from appliance.cold.synthetic import generate
from appliance.cold.synthetic.faults import Faults, inject


def events(lines: list[Line], stream: str) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        if not line.is_rest:
            document = json.loads(line.frame)
            if document["stream"].partition("@")[2] == stream:
                assert document["stream"].partition("@")[0] == document["data"]["s"].lower()
                found.append(document["data"])
    return found


def spoiled(**faults: Any) -> tuple[list[Line], list[Line]]:
    lines = list(generate(2, 4))
    return lines, list(inject(iter(lines), Faults(**faults)))


def depth_of(lines: list[Line]) -> list[bytes]:
    return [line.frame for line in lines if b"@depth" in line.frame[:60]]


def test_faults() -> None:
    sound, bad = spoiled(dropped=[10])
    assert depth_of(bad) == depth_of(sound)[:10] + depth_of(sound)[11:]
    sound, bad = spoiled(duplicated=[10])
    assert Counter(bad) - Counter(sound) == {bad[bad.index(line_with(sound, 10))]: 1}
    sound, bad = spoiled(reordered=[10])
    swapped = depth_of(sound)
    swapped[10], swapped[11] = swapped[11], swapped[10]
    assert depth_of(bad) == swapped
    assert [line.receive_ns for line in bad] == [line.receive_ns for line in sound]
    sound, bad = spoiled(cut=[10])
    assert len(depth_of(bad)[10]) == len(depth_of(sound)[10]) // 2
    sound, bad = spoiled(garbage=[10])
    (rubbish,) = set(bad) - set(sound)
    with pytest.raises(ValueError):
        json.loads(rubbish.frame)
    assert not set(rubbish.frame) & set(b"\r\n")
    assert spoiled() == (sound, sound)


def line_with(lines: list[Line], number: int) -> Line:
    frame = depth_of(lines)[number]
    return next(line for line in lines if line.frame == frame)


def test_a_crossing_difference_crosses() -> None:
    sound, bad = spoiled(crossed=[10])
    before, after = (json.loads(depth_of(x)[10])["data"] for x in (sound, bad))
    price, quantity = after["b"][0]
    assert after["b"][1:] == before["b"]
    place = sound.index(line_with(sound, 10))
    ticker = events(sound[:place], "bookTicker")[-1]
    assert (price, quantity) == (ticker["a"], ticker["A"])
    assert Decimal(quantity) > 0
