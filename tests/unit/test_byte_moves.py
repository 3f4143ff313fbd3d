"""Moves that may overlap, and masking: exactly the bytes asked for."""

import numpy as np
import pytest

from appliance.hot.jit import hot
from appliance.hot.memory import mask_bytes, move_bytes


@hot
def move(data, target_start, source_start, count):
    move_bytes(data, target_start, source_start, count)


@hot
def mask(target, target_start, source, source_start, count, key):
    mask_bytes(target, target_start, source, source_start, count, key)


@pytest.mark.parametrize("count", [-1, 0, 1, 7, 60])
@pytest.mark.parametrize(("to", "from_"), [(0, 3), (3, 0), (20, 20), (0, 40)])
def test_moves_may_overlap(to, from_, count):
    data = np.random.default_rng(1).integers(0, 256, 120).astype(np.uint8)
    wanted = data.tolist()
    wanted[to : to + max(count, 0)] = data[from_ : from_ + max(count, 0)].tolist()
    move(data, to, from_, count)
    assert data.tolist() == wanted


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 7, 8, 9, 31, 64, 150, 151, 4096])
@pytest.mark.parametrize("at", [0, 1, 5])
def test_mask_is_the_byte_by_byte_one(count, at):
    rng = np.random.default_rng(count)
    source = rng.integers(0, 256, count + 16).astype(np.uint8)
    target = np.full(count + 16, 7, np.uint8)
    key = [0xF1, 0x02, 0xA3, 0x84]
    word = int.from_bytes(bytes(key * 2), "little", signed=True)
    mask(target, at, source, 3, count, word)
    wanted = [7] * at + [int(source[3 + i]) ^ key[i % 4] for i in range(count)]
    assert target.tolist() == wanted + [7] * (16 - at)
