"""REPORT records into the ring from the session to the loop."""

from typing import Final

from appliance.abi.units import INT64_MAX
from appliance.cold.live.order_messages import Said
from appliance.hot.order_reports import FOREIGN_KEY
from appliance.hot.ring import Ring, claim, publish

_FOREIGN_KEPT: Final = 4096


class ReportSink:
    """The one producer of the ring."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._waiting: list[Said] = []
        self._foreign: dict[tuple[int, int, int], None] = {}
        self.pushed_n = 0

    def push(self, said: Said) -> None:
        """Hand a report to the loop; what finds no room waits here and keeps its place.

        ValueError: a number in it that no record holds.
        """
        numbers = [int(getattr(said, name)) for name in self._ring.slots.dtype.names]
        if not all(-INT64_MAX <= number <= INT64_MAX for number in numbers):
            raise ValueError(f"a number in {said} is too large")
        if said.order_key == FOREIGN_KEY and self._is_repeated(said):
            return
        self._waiting.append(said)
        self.flush()

    def flush(self) -> None:
        """As many as there is room for."""
        done_n = 0
        for said in self._waiting:
            index = int(claim(self._ring))
            if index < 0:
                break
            record = self._ring.slots[index]
            for name in record.dtype.names:
                record[name] = int(getattr(said, name))
            publish(self._ring)
            done_n += 1
        del self._waiting[:done_n]
        self.pushed_n += done_n

    @property
    def waiting_n(self) -> int:
        return len(self._waiting)

    def _is_repeated(self, said: Said) -> bool:
        """Of an order that is not ours the loop has no total to go by: the trade's id tells.

        Of both orders, where two of the account traded with each other.
        """
        key = (said.instrument, said.venue_id, said.trade_id)
        if said.trade_id < 0 or key in self._foreign:
            return said.trade_id >= 0
        self._foreign[key] = None
        if len(self._foreign) > _FOREIGN_KEPT:
            del self._foreign[next(iter(self._foreign))]
        return False
