"""A message desk, with the session and the loop as the test sees them."""

import json

import numpy as np

from appliance.abi.link import LinkRole
from appliance.abi.market import FrameSource, Market
from appliance.abi.trading import REPORT, Report
from appliance.cold.live.message_desk import MessageDesk
from appliance.cold.live.order_messages import Grid, OrderMessages
from appliance.cold.live.report_sink import ReportSink
from appliance.hot.frame_ring import push
from appliance.hot.ring import make_ring, peek, release
from appliance.hot.rings import make_rings
from tests.strategies.order_forms import EPOCH

GRIDS = {"ETHBTC": (0, Grid(10, 10_000_000)), "BTCUSDT": (1, Grid(10_000_000, 100_000))}


class Desk:
    """A message desk, what it told the session, and what it told the loop."""

    def __init__(self, market: Market = Market.SPOT) -> None:
        self.to_desk = make_rings(1 << 16).to_desk
        self.reports = make_ring(1024, REPORT)
        self.shutdowns: list[LinkRole] = []
        self.lost: list[tuple[LinkRole, str]] = []
        self.lost_rows: list[int | None] = []
        self.clocks: list[bool] = []
        self.desk = MessageDesk(
            ring=self.to_desk,
            messages=OrderMessages(market, EPOCH, GRIDS),
            sink=ReportSink(self.reports),
            on_shutdown=self.shutdowns.append,
            on_user_data_lost=self._note_lost,
            on_clock=lambda: self.clocks.append(True),
        )

    def _note_lost(self, role: LinkRole, k: int | None, why: str) -> None:
        self.lost.append((role, why))
        self.lost_rows.append(k)

    def hear(self, document: object, role: LinkRole = LinkRole.ORDERS) -> list[Report]:
        self.desk.hear(role, json.dumps(document).encode())
        return self.told()

    def told(self) -> list[Report]:
        found = []
        while (index := int(peek(self.reports))) >= 0:
            found.append(Report(int(self.reports.slots[index].report)))
            release(self.reports)
        return found

    def put(self, document: object, role: LinkRole = LinkRole.ORDERS, k: int = 0) -> None:
        """Into the ring, as the loop does it with a message of link ``k``."""
        data = np.frombuffer(json.dumps(document).encode(), np.uint8)
        source = int(FrameSource.LINK) + role
        assert push(self.to_desk, data, 0, len(data), 1, k, source, 0)

    def is_quiet(self) -> bool:
        """Nobody was told anything."""
        return not (self.shutdowns or self.lost or self.clocks or self.told())
