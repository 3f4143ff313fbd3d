"""Level arrays ``[["price","quantity"],..]`` to ticks and lots.

Most levels are read by a template (level_template.py), the others byte by byte.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.abi.limits import (
    CACHE_LINE,
    INSTRUMENTS_MAX,
    LEVEL_TEXT_MAX,
    LEVELS_PER_FRAME_MAX,
)
from appliance.abi.units import E8_DECIMALS
from appliance.hot.decode.digits import (
    TEMPLATE_BYTES,
    level,
)
from appliance.hot.decode.grid import units_at
from appliance.hot.decode.level_template import NO_TEMPLATES, learn_level
from appliance.hot.decode.scan import (
    CLOSE_ARRAY,
    COMMA,
    GIVE_UP,
    OPEN_ARRAY,
    skip_space,
)
from appliance.hot.decode.vector import (
    QUOTE,
    bare,
    bits,
    byte_at,
    drop_first,
    first_bit,
    item_at,
    match,
    non_ascii,
    set_item,
)
from appliance.hot.jit import hot, hot_inline, out_of_line

# Ticks and lots of one level do not lie a multiple of 4 KiB apart: the processor would take a load
# of the one for a load of the other that was just stored.
ROW_WORDS: Final = LEVELS_PER_FRAME_MAX + 9 * CACHE_LINE // 8
BRACKETS_MAX: Final = 2 * LEVELS_PER_FRAME_MAX + 64


class Levels(NamedTuple):
    units: np.ndarray  # int64[LEVEL_ROWS, ROW_WORDS]: what was decoded
    brackets: np.ndarray  # int64[BRACKETS_MAX + 64]: offsets of ] in the frame
    templates: np.ndarray  # uint8[instruments * LEVEL_TEXT_MAX * TEMPLATE_BYTES + 64]
    # int64[instruments, 2]: decimals of the price and the quantity grid; NO_TEMPLATES where the
    # grid is no power of ten
    decimals: np.ndarray


def _aligned_bytes(count: int) -> np.ndarray:
    """On a cache line, so that no part of a template straddles two."""
    raw = np.zeros(count + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + count]


def make_levels(rows: int) -> Levels:
    return Levels(
        _aligned_bytes(rows * ROW_WORDS * 8).view(np.int64).reshape(rows, ROW_WORDS),
        _aligned_bytes((BRACKETS_MAX + 64) * 8).view(np.int64),
        _aligned_bytes(INSTRUMENTS_MAX * LEVEL_TEXT_MAX * TEMPLATE_BYTES),
        np.zeros((INSTRUMENTS_MAX, 2), np.int64),
    )


def set_grid(levels: Levels, instrument: int, price_grid_e8: int, quantity_grid_e8: int) -> None:
    """Cold: give an instrument its grid, and forget what was learnt on another one."""
    for column, grid_e8 in enumerate((price_grid_e8, quantity_grid_e8)):
        decimals = next(
            (d for d in range(E8_DECIMALS + 1) if grid_e8 == 10 ** (E8_DECIMALS - d)), None
        )
        levels.decimals[instrument, column] = NO_TEMPLATES if decimals is None else decimals
    size = LEVEL_TEXT_MAX * TEMPLATE_BYTES
    levels.templates[instrument * size : (instrument + 1) * size] = 0


@hot
def index_frame(text, at, end, brackets):
    """(how many ] stand in [at, end) or GIVE_UP if too many, 1 if all bytes are ASCII).

    Their offsets go to ``brackets``: three at a time, wanted or not, since a 64-byte block seldom
    has more and a loop of unknown length would cost a mispredicted branch each block.
    """
    n = np.int64(0)
    high = np.int64(0)
    last = end - 64
    while at < last:
        high |= non_ascii(text, at)
        n = _index_block(at, match(text, at, CLOSE_ARRAY), brackets, n)
        if n > BRACKETS_MAX:
            return np.int64(GIVE_UP), np.int64(0)
        at += 64
    inside = np.int64(-1)
    if end - at < 64:
        inside = ~(np.int64(-1) << (end - at))
    high |= non_ascii(text, at) & inside
    n = _index_block(at, match(text, at, CLOSE_ARRAY) & inside, brackets, n)
    return n, np.int64(high == 0)


@hot_inline
def _index_block(at, mask, brackets, n):
    count = bits(mask)
    place = n
    for k in range(3):
        set_item(brackets, place + k, at + first_bit(mask))
        mask = drop_first(mask)
    if count > 3:
        while mask != 0:
            set_item(brackets, place + 3, at + first_bit(mask))
            mask = drop_first(mask)
            place += 1
    return n + count


@hot_inline
def decode_levels(levels, instrument, grids, text, at, end, cursor, brackets_n, row):
    """(offset behind the array or GIVE_UP, number of levels, next bracket).

    ``at`` is the array's opening bracket. Ticks go to levels.units[row], lots to row + 1. A price
    below one tick, a value off the grid, a level that is not two strings: GIVE_UP.
    """
    brackets = levels.brackets
    while cursor < brackets_n and brackets[cursor] < at:
        cursor += 1
    at = skip_space(text, at + 1, end)
    if byte_at(text, at) == CLOSE_ARRAY:
        return at + 1, np.int64(0), cursor + 1
    ticks = levels.units[row]
    lots = levels.units[row + 1]
    n = np.int64(0)
    while n < LEVELS_PER_FRAME_MAX and cursor < brackets_n:
        at, n, cursor = _levels_by_template(
            bare(text),
            at,
            bare(brackets),
            cursor,
            brackets_n,
            bare(levels.templates),
            instrument,
            bare(ticks),
            bare(lots),
            n,
        )
        if byte_at(text, at - 1) != CLOSE_ARRAY:  # not behind a level: at one that fits no template
            if n >= LEVELS_PER_FRAME_MAX:
                break
            close, price, quantity = general_level(levels, instrument, grids, text, at, end)
            if close < 0 or price <= 0:
                break
            ticks[n] = price
            lots[n] = quantity
            n += 1
            while cursor < brackets_n and brackets[cursor] <= close:
                cursor += 1
            at = close + 1
        at = skip_space(text, at, end)
        c = byte_at(text, at)
        if c == CLOSE_ARRAY:
            return at + 1, n, cursor + 1
        if c != COMMA:
            break
        at += 1
    return np.int64(GIVE_UP), np.int64(0), cursor


@hot
def _levels_by_template(
    text, at, brackets, cursor, brackets_n, templates, instrument, ticks, lots, n
):
    """Takes levels as long as they fit a template: (offset, number, next bracket).

    The offset is that of the first level which does not fit, or of what stands behind the last
    level where that is not a comma.
    """
    out_of_line()
    first_row = instrument * LEVEL_TEXT_MAX
    while cursor < brackets_n and n < LEVELS_PER_FRAME_MAX:
        close = item_at(brackets, cursor)
        length = close + 1 - at
        if length >= LEVEL_TEXT_MAX:
            break
        fits, price, quantity = level(text, at, templates, first_row + length)
        if fits == 0 or price == 0:
            break
        set_item(ticks, n, price)
        set_item(lots, n, quantity)
        n += 1
        cursor += 1
        at = close + 2
        if byte_at(text, close + 1) != COMMA:
            at = close + 1
            break
    return at, n, cursor


@hot
def general_level(levels, instrument, grids, text, at, end):
    """(offset of the level's closing bracket or GIVE_UP, ticks, lots): any spacing, any length."""
    out_of_line()
    gave_up = np.int64(GIVE_UP), np.int64(0), np.int64(0)
    at = skip_space(text, at, end)
    start = at
    if byte_at(text, at) != OPEN_ARRAY:
        return gave_up
    at = skip_space(text, at + 1, end)
    if byte_at(text, at) != QUOTE:
        return gave_up
    price, price_length = units_at(text, at + 1, grids[instrument].price_grid_e8)
    if price < 0:
        return gave_up
    price_at = at + 1
    at = skip_space(text, price_at + price_length + 1, end)
    if byte_at(text, at) != COMMA:
        return gave_up
    at = skip_space(text, at + 1, end)
    if byte_at(text, at) != QUOTE:
        return gave_up
    quantity, quantity_length = units_at(text, at + 1, grids[instrument].quantity_grid_e8)
    if quantity < 0:
        return gave_up
    quantity_at = at + 1
    at = skip_space(text, quantity_at + quantity_length + 1, end)
    if byte_at(text, at) != CLOSE_ARRAY or at >= end:
        return gave_up
    if at + 1 - start == price_length + quantity_length + 7:  # no white space
        learn_level(
            levels.templates,
            levels.decimals,
            instrument,
            text,
            start,
            price_length,
            quantity_length,
        )
    return at, price, quantity
