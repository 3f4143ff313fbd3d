"""What a session is told when it is made, and what it tells the loop."""

from dataclasses import dataclass

from appliance.abi.operator import Operation
from appliance.abi.trading_state import Cause
from appliance.cold.control_region import OfLimit
from appliance.cold.live.degradation import Bounds
from appliance.cold.live.endpoints import Endpoints


@dataclass(frozen=True)
class Settings:
    """What the configuration says of the session."""

    endpoints: Endpoints
    symbols: tuple[str, ...]
    currency: str  # of the account
    epoch: int
    silence_s: float
    life_s: float
    alert_pct: int
    degrade: dict[Cause, Bounds]
    compare_every_s: float
    takes_foreign: bool
    seed: int


@dataclass(frozen=True)
class ToLoop:
    """An operation for the loop's mailbox."""

    operation: Operation
    text: str
    of_limit: OfLimit | None = None
