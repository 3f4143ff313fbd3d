"""Positions, open orders, the day and the state, as the records of a journal add up to them."""

from dataclasses import dataclass, field

from appliance.abi.trading import OrderState, Side
from appliance.abi.trading_state import Cause, TradingState


@dataclass(frozen=True)
class Symbol:
    name: str
    market: int
    price_grid_e8: int
    quantity_grid_e8: int


@dataclass
class Holding:
    """One symbol's position; integers as in POSITION, and the same arithmetic."""

    symbol: Symbol
    position_lots: int = 0
    cost_tick_lots: int = 0
    realised_tick_lots: int = 0
    cash_tick_lots: int = 0
    turnover_tick_lots: int = 0
    bought_lots: int = 0
    sold_lots: int = 0
    trip_start_tick_lots: int = 0
    losses_in_row_n: int = 0
    day_traded_lots: int = 0

    def book(self, side: int, lots: int, value_tick_lots: int) -> None:
        """``lots`` traded for so much in all."""
        before, held = self.position_lots, self.position_lots * side
        if held >= 0:
            self.cost_tick_lots += side * value_tick_lots
        elif lots < -held:
            removed = -side * ((-side * self.cost_tick_lots) * lots // -held)
            self.cost_tick_lots -= removed
            self.realised_tick_lots += -side * value_tick_lots - removed
        else:
            closing = value_tick_lots * -held // lots
            self.realised_tick_lots -= side * closing + self.cost_tick_lots
            self.cost_tick_lots = side * (value_tick_lots - closing)
        if held < 0 and lots >= -held:
            lost = self.realised_tick_lots < self.trip_start_tick_lots
            self.losses_in_row_n = self.losses_in_row_n + 1 if lost else 0
            self.trip_start_tick_lots = self.realised_tick_lots
        self.position_lots = before + side * lots
        self.cash_tick_lots -= side * value_tick_lots
        self.turnover_tick_lots += value_tick_lots
        if side == Side.BUY:
            self.bought_lots += lots
        else:
            self.sold_lots += lots


@dataclass
class JournalOrder:
    """An order that is, or may be, exposure."""

    epoch: int
    key: int
    symbol: Symbol
    side: int
    price_ticks: int
    quantity_lots: int
    time_in_force: int
    state: OrderState = OrderState.SENT
    sent: bool = False  # its bytes are known to have left
    filled_lots: int = 0
    filled_tick_lots: int = 0
    venue_id: int = 0
    time_ns: int = 0


@dataclass
class Day:
    ends_ns: int = 0
    venue_ends_ns: int = 0
    messages_n: int = 0
    fills_n: int = 0
    venue_orders_n: int = 0
    turnover_e8: int = 0  # the account's sums when the day began
    profit_e8: int = 0
    profit_peak_e8: int = 0


@dataclass(frozen=True)
class Latch:
    """What a limit or a person took away, and only a person gives back: also after a restart."""

    state: TradingState = TradingState.ACTIVE
    cause: Cause = Cause.NONE
    reason: int = 0  # Reject, of a limit
    observed: int = 0
    limit: int = 0
    time_ns: int = 0


@dataclass
class Ledger:
    """Everything that holds after the last record."""

    epoch: int = 0
    live: bool = False
    venue: int = 0  # a number for its address; 0: none, the fills were our own
    checked_ms: int = 0  # venue time until which its trades were compared with ours; 0: never
    symbols: dict[int, Symbol] = field(default_factory=dict)  # by index
    holdings: dict[str, Holding] = field(default_factory=dict)  # by name of the symbol
    orders: dict[tuple[int, int], JournalOrder] = field(default_factory=dict)  # by epoch and key
    ended: dict[tuple[int, int], JournalOrder] = field(default_factory=dict)  # of this session
    # of orders that are not ours, by symbol and the venue's id: lots that are booked
    foreign_lots: dict[tuple[str, int], int] = field(default_factory=dict)
    day: Day = field(default_factory=Day)
    state: TradingState = TradingState.STARTING
    latch: Latch = Latch()
    profit_e8: int = 0  # of the account, when a fill or a state was told last
    profit_known: bool = False
    lost_n: int = 0  # records that a repair found damaged
    sequence: int = 0
    refusals_n: int = 0
    commands_n: int = 0
