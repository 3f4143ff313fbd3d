"""Reads what the loop does not: replies to orders, user data, what the venue says of itself."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.link import LinkRole
from appliance.abi.market import FrameSource
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.report_sink import ReportSink
from appliance.hot.frame_ring import FrameRing, instrument_at, length_at, peek, release, source_at

MESSAGES_PER_LOOK: Final = 256
RATE_PAUSE_S: Final = 10.0  # where the venue does not say how long
_RATE_CODES: Final = frozenset((-1003, -1015, -1034))
_CLOCK_CODE: Final = -1021
_KEY_CODE: Final = -2015
# What a message that is not as we know it may raise, absurd numbers and depths included.
_JUNK: Final = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
_UNAUTHORIZED: Final = 401
_USER_DATA_ENDS: Final = ("eventStreamTerminated", "listenKeyExpired")


@dataclass
class MessageDesk:
    """``on_shutdown``, ``on_user_data_lost`` (role, row, why) and ``on_clock`` tell the session.

    The row is of the link that the message came by; None: the loop did not have it yet.
    """

    ring: FrameRing
    messages: OrderMessages
    sink: ReportSink
    on_shutdown: Callable[[LinkRole], None]
    on_user_data_lost: Callable[[LinkRole, int | None, str], None]
    on_clock: Callable[[], None]
    unreadable_n: int = 0
    last_unreadable: str = ""
    refusals: dict[str, int] = field(default_factory=dict)  # "code message": how often
    _quiet_until_s: float = 0.0

    @property
    def must_wait(self) -> bool:
        """The venue asked for a pause of orders."""
        return time.monotonic() < self._quiet_until_s

    def serve(self) -> None:
        """Everything that waits in the ring, up to a bound."""
        for _ in range(MESSAGES_PER_LOOK):
            offset = int(peek(self.ring))
            if offset < 0:
                return
            start = offset + FRAME_HEADER_BYTES
            message = self.ring.data[start : start + int(length_at(self.ring, offset))].tobytes()
            role = LinkRole(int(source_at(self.ring, offset)) - FrameSource.LINK)
            k = int(instrument_at(self.ring, offset))  # a link's frames have its row there
            release(self.ring)
            self.hear(role, message, k)

    def hear(self, role: LinkRole, message: bytes, k: int | None = None) -> None:
        """One message from link ``k`` of ``role``. One that cannot be read may have told of a fill:
        user data count as lost then, and every live order is asked for."""
        try:
            self._read(role, json.loads(message), k)
        except _JUNK as error:
            self.unreadable_n += 1
            self.last_unreadable = f"{role.name.lower()}: {type(error).__name__}: {error}"
            if role >= LinkRole.ORDERS:
                self.on_user_data_lost(role, k, "a message that cannot be read")

    def _read(self, role: LinkRole, document: Mapping[str, Any], k: int | None) -> None:
        event = document.get("event") or document.get("data") or document
        kind = event.get("e")
        if kind == "serverShutdown":
            self.on_shutdown(role)
        elif kind == "executionReport":
            self._report(self.messages.execution_report(event))
        elif kind == "ORDER_TRADE_UPDATE":
            self._report(self.messages.order_trade_update(event))
        elif kind in _USER_DATA_ENDS:
            self.on_user_data_lost(role, k, kind)
        elif "status" in document and "id" in document:
            self._reply(role, document, k)

    def _report(self, said: Any) -> None:
        if said is not None:
            self.sink.push(said)

    def _reply(self, role: LinkRole, answer: Mapping[str, Any], k: int | None) -> None:
        said, code = self.messages.reply(answer, time.time_ns())
        self._report(said)
        if code == 0:
            return
        error = answer["error"]
        text = f"{code} {error.get('msg')}"
        self.refusals[text] = self.refusals.get(text, 0) + 1
        is_ours = role >= LinkRole.ORDERS and answer["id"] is None  # said of the connection itself
        if is_ours and (code == _KEY_CODE or answer["status"] == _UNAUTHORIZED):
            self.on_user_data_lost(role, k, text)
        if code == _CLOCK_CODE:
            self.on_clock()
        if code in _RATE_CODES or answer["status"] in (418, 429):
            until_ms = (error.get("data") or {}).get("retryAfter", 0)
            wait_s = until_ms / 1000 - time.time() if until_ms else RATE_PAUSE_S
            self._quiet_until_s = time.monotonic() + max(wait_s, 0.0)
