"""A client's order: what was asked for, and what became of it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import Prevention

if TYPE_CHECKING:
    from appliance.cold.venue.account import Account


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that has passed the filters of its symbol."""

    symbol: str
    side: int  # Side
    kind: str  # the venue's ``type``
    time_in_force: str
    price_ticks: int  # 0: a market order
    lots: int  # 0: given by ``quote_e8``
    client_id: str
    prevention: Prevention
    quote_e8: int = 0  # quoteOrderQty
    post_only: bool = False
    reduce_only: bool = False
    good_till_ms: int = 0
    response: str = "ACK"  # newOrderRespType
    strategy_id: int = 0
    strategy_type: int = 0

    @property
    def side_name(self) -> str:
        return "BUY" if self.side == Side.BUY else "SELL"

    @property
    def rests(self) -> bool:
        return self.price_ticks > 0 and self.time_in_force not in ("IOC", "FOK")


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill of a client's order, as its owner sees it."""

    trade_id: int
    order_id: int
    symbol: str
    side: int
    price_ticks: int
    lots: int
    quote_e8: int
    commission_e8: int
    commission_asset: str
    realised_e8: int  # USD-M: the profit that closing brought
    is_maker: bool
    at_ns: int


@dataclass(slots=True, eq=False)
class ClientOrder:
    """An accepted order. Open until its status says otherwise."""

    order_id: int
    account: "Account"
    draft: Draft
    lots: int  # origQty; differs from the draft's where a market order was given by its value
    created_ns: int
    updated_ns: int
    status: str = "NEW"
    number: int = 0  # in the matching engine; 0: it does not rest
    filled_lots: int = 0
    filled_quote_e8: int = 0
    prevented_lots: int = 0
    held_e8: int = 0  # spot: what is locked for it
    held_asset: str = ""
    canceled_by: str = ""  # the client id of the cancel
    expiry_reason: str = ""
    trades: list[Trade] = field(default_factory=list)

    @property
    def open_lots(self) -> int:
        return self.lots - self.filled_lots - self.prevented_lots

    @property
    def is_open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")
