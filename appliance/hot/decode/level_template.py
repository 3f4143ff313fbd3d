"""Templates of a level's text, and how one is learnt.

Nearly every byte of a feed is in here, so levels take a short cut. The text of a level is wholly
described by where its structure and its digits stand; within a feed few such shapes occur. For each
(instrument, length of the text) we keep a **template** of the last shape seen::

    ["61837.63000000","3.78826000"]      text
    ["00000.00000000","0.00000000"]      subtrahend: structure, or the digit zero
    009999909900000009909999900000.      maximum: 9 for a digit that counts, 0 for structure and for
                                         digits finer than the grid

Text minus subtrahend is at most the maximum in every byte if and only if the text has this shape
and lies on the grid; the differences are then the digits. digits.level does it in a dozen
instructions. Another shape of the same length fails, is decoded the general way, and becomes the
template. A template is a function of instrument and shape alone: it changes speed, never a result.
"""

from typing import Final

import numpy as np

from appliance.abi.limits import LEVEL_TEXT_MAX
from appliance.hot.decode.digits import (
    TEMPLATE_BYTES,
    TEMPLATE_MAXIMUM,
    TEMPLATE_QUANTITY_AT,
    TEMPLATE_SHUFFLE,
    TEMPLATE_SUBTRAHEND,
)
from appliance.hot.decode.vector import DOT, ZERO, byte_at
from appliance.hot.jit import hot

_LANE_BYTES: Final = 16  # of a number's text that a template covers
_NO_DIGIT: Final = 0x80  # shuffle index that gives zero

# In place of the decimals of a grid that is no power of ten
NO_TEMPLATES: Final = -1


@hot
def learn_level(templates, decimals, instrument, text, start, price_length, quantity_length):
    """Make the level at ``start`` the template for its length, if a template can hold it."""
    length = price_length + quantity_length + 7
    if length >= LEVEL_TEXT_MAX:
        return
    base = (instrument * LEVEL_TEXT_MAX + length) * TEMPLATE_BYTES
    for k in range(LEVEL_TEXT_MAX):
        templates[base + TEMPLATE_SUBTRAHEND + k] = byte_at(text, start + k) if k < length else 0
        templates[base + TEMPLATE_MAXIMUM + k] = 0 if k < length else 255
    quantity_at = 2 + price_length + 3
    for k in range(8):
        templates[base + TEMPLATE_QUANTITY_AT + k] = quantity_at if k == 0 else 0
    good = decimals[instrument, 0] != NO_TEMPLATES and decimals[instrument, 1] != NO_TEMPLATES
    if good:
        good = _learn_number(
            templates, base, np.int64(2), price_length, decimals[instrument, 0], 0, 2
        )
    if good:
        good = _learn_number(
            templates, base, quantity_at, quantity_length, decimals[instrument, 1], _LANE_BYTES, 0
        )
    if not good:  # a template of zeros fits nothing
        for k in range(TEMPLATE_BYTES):
            templates[base + k] = 0


@hot
def _learn_number(templates, base, at, length, decimals, lane, offset):
    """Which digits of a number count, and where they go in its sixteen. False: it does not fit.

    ``at`` is where the number stands in the level, ``offset`` where in the 16 bytes that its lane
    of the shuffle sees.
    """
    whole = length
    for k in range(length):
        if templates[base + TEMPLATE_SUBTRAHEND + at + k] == DOT:
            whole = np.int64(k)
    counted = whole + decimals  # digits of the result
    if counted > _LANE_BYTES:
        return False
    for k in range(length):
        if k != whole:
            place = k if k < whole else k - 1
            templates[base + TEMPLATE_SUBTRAHEND + at + k] = ZERO
            templates[base + TEMPLATE_MAXIMUM + at + k] = 9 if place < counted else 0
    for k in range(_LANE_BYTES):
        digit = k - (_LANE_BYTES - counted)  # which digit stands at place k of the sixteen
        source = np.int64(_NO_DIGIT)
        if digit >= 0:
            place = digit if digit < whole else digit + 1
            if place < length:
                source = place + offset
                if source >= _LANE_BYTES:
                    return False
        templates[base + TEMPLATE_SHUFFLE + lane + k] = source
    return True
