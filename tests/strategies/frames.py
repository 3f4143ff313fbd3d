"""Frames for hypothesis: every kind in every spelling, and every way to spoil one.

``valid_frames()`` are all accepted by the rules (no fault), ``broken_frames()`` mostly are not;
``any_frames()`` is both. Each is a ``Frame``: the bytes and the instrument hint to give with them.
``INSTRUMENTS`` are those of all frames: symbol, market, price grid, quantity grid.
"""

from hypothesis import strategies as st

from tests.strategies.messages import valid_frames
from tests.strategies.spelling import Frame
from tests.strategies.spoilt import broken_frames
from tests.strategies.values import INSTRUMENTS

__all__ = ["INSTRUMENTS", "Frame", "any_frames", "broken_frames", "valid_frames"]


def any_frames() -> st.SearchStrategy[Frame]:
    return st.one_of(valid_frames(), broken_frames())
