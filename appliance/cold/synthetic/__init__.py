"""A made-up venue: order flow, a matching engine, and the frames that it would send.

For warm-ups, for the simulated venue, and for tests. Everything follows from a seed: the same seed
gives the same bytes on every machine and every Python (``random.Random.random`` and integers,
nothing else).
"""

from appliance.cold.synthetic.faults import Faults, inject
from appliance.cold.synthetic.listing import exchange_info
from appliance.cold.synthetic.session import START_NS, generate
from appliance.cold.synthetic.symbols import Contract, contracts

__all__ = [
    "START_NS",
    "Contract",
    "Faults",
    "contracts",
    "exchange_info",
    "generate",
    "inject",
]
