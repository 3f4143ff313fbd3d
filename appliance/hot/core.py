"""The state of the loop: every array that it touches, made before it starts, in one tuple.

The tuple is spread into machine words wherever it is passed, so the agents that take it are
``@hot_inline`` and what they call gets only the arrays that it needs.
"""

from typing import Any, NamedTuple

from appliance.abi.operator import Mailbox
from appliance.hot.book.levels import Books
from appliance.hot.broadcast import Broadcast
from appliance.hot.decode.frame import Decoder
from appliance.hot.frame_ring import FrameRing
from appliance.hot.gate import Gate
from appliance.hot.gateway import Gateway
from appliance.hot.notes import Notes
from appliance.hot.paper import Paper
from appliance.hot.strategy.api import Intents
from appliance.hot.telemetry import Telemetry


class Core(NamedTuple):
    control: Any  # int64[CONTROL_WORDS], see abi/control.py
    time_spec: Any  # int64[2]: scratch of the wall clock
    # market data
    ingress: FrameRing  # frames of the venue; consumer
    to_clerk: FrameRing  # frames that the decoder is unsure of; producer
    from_clerk: FrameRing  # the same frames rewritten; consumer
    decoder: Decoder
    books: Books
    latest: Any  # MARKET[n]: the present view of each instrument
    market: Broadcast  # of MARKET; producer
    trade_ids: Any  # int64[n, 2]: the last trade's and aggTrade's id; NO_ID: none yet
    unshown: Any  # int64[n]: 1: the strategy did not see the present view (backlog.py)
    # trading
    cursor: Any  # int64[2]: reader of the market ring
    seen: Any  # MARKET[1]: the record that the strategy sees
    own: Any  # OWN[1]
    params: Any  # the strategy's PARAMS, one record
    state: Any  # the strategy's STATE[n]
    intents: Intents
    gate: Gate
    gateway: Gateway
    paper: Paper
    notes: Notes
    telemetry: Telemetry
    mailbox: Mailbox  # of the control region; consumer
