"""Units, as they stand in field names, and the values that mean "none".

``_ns``        nanoseconds; since the Unix epoch when the name says a moment, else a span
``_ticks``     a price, in multiples of the instrument's price grid
``_lots``      a quantity, in multiples of the instrument's quantity grid
``_tick_lots`` money of the quote asset: price_ticks x quantity_lots
``_e8``        a decimal number times 10**8
``_n``         a count
``_id``        a number that the venue gave
"""

from typing import Final

E8: Final = 100_000_000
E8_DECIMALS: Final = 8

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000

NO_ID: Final = -1  # the venue did not say
NO_TIME: Final = 0  # the venue did not say
NO_PRICE: Final = 0  # a side of the book is empty; no instrument trades at zero ticks
UNSET: Final = -1  # a limit that nobody configured: the gate refuses

INT64_MAX: Final = (1 << 63) - 1
