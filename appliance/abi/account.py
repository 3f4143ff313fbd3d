"""What the gate knows of the account as a whole, and of what each instrument is worth in it.

Money of the account (``_e8``) is in its one currency, which every instrument is quoted in; sums are
over the instruments' VALUATION. Written by the loop alone, but for the two fields that say so.
"""

from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype

# One record; one of zeros is HALTED.
GATE_ACCOUNT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("trading_state", "<i8"),  # TradingState: what follows from the next two
        ("allowed_state", "<i8"),  # TradingState: the most that limits and people allow
        ("phase", "<i8"),  # Phase
        ("state_cause", "<i8"),  # Cause of the last move of trading_state
        ("state_reason", "<i8"),  # Reject, where a limit moved it
        ("state_observed", "<i8"),
        ("state_limit", "<i8"),
        ("state_ns", "<i8"),
        ("states_n", "<i8"),  # moves since start
        ("states_told_n", "<i8"),  # of those, the ones that an event tells of
        ("days_n", "<i8"),  # that began since start, ours and the venue's
        ("days_told_n", "<i8"),  # of those, the ones that the journal tells of
        ("cancel_all", "<i8"),  # 1: whatever is open is to be cancelled
        ("session_blocks", "<i8"),  # Block, as the cold side sees it (and writes it); zero: none
        ("link_blocks", "<i8"),  # Block, as the loop itself sees it
        # of the venue's clock to ours, and the most that it can be; the cold side writes them
        ("clock_offset_ns", "<i8"),
        ("clock_offset_most_ns", "<i8"),  # whichever of the two is ahead
        ("clock_seen_ns", "<i8"),  # when that was measured; 0: never
        ("open_orders_n", "<i8"),  # kept by the order table
        ("orders_sent_n", "<i8"),  # since start: the cursor of the ring of order times
        ("last_order_ns", "<i8"),  # time of the last order sent
        ("messages_n", "<i8"),  # orders and cancels since start: the cursor of theirs
        ("last_message_ns", "<i8"),
        ("runaway_n", "<i8"),  # executions and rejects since start: the cursor of theirs
        ("last_runaway_ns", "<i8"),
        ("fills_n", "<i8"),
        ("rejects_in_row_n", "<i8"),
        # sums over the instruments
        ("long_e8", "<i8"),
        ("short_e8", "<i8"),
        ("gross_e8", "<i8"),
        ("open_e8", "<i8"),
        ("open_buy_e8", "<i8"),
        ("cash_e8", "<i8"),
        ("profit_e8", "<i8"),
        ("turnover_e8", "<i8"),
        ("unvalued_n", "<i8"),
        ("profit_peak_e8", "<i8"),  # the most that profit_e8 was
        # funds: what we own of the currency is this + cash_e8; equity is this + profit_e8
        ("funds_known", "<i8"),  # 1: the venue told, or the paper account was given some
        ("funds_e8", "<i8"),
        # when today ends, and what the sums were when it began
        ("day_starts_ns", "<i8"),  # after midnight UTC, as configured
        ("day_ends_ns", "<i8"),  # 0: not known
        ("day_messages_n", "<i8"),
        ("day_fills_n", "<i8"),
        ("day_turnover_e8", "<i8"),
        ("day_profit_e8", "<i8"),
        ("venue_day_ends_ns", "<i8"),
        ("venue_day_orders_n", "<i8"),
    ]
)

# One a instrument, kept by hot/valuation.py out of POSITION and the mark; upper bounds where they
# are compared with limits, lower bounds where they are profit.
VALUATION: Final[np.dtype[np.void]] = slot_dtype(
    [
        # money of the account = tick_lots x value_multiple / value_divisor
        ("value_multiple", "<i8"),
        ("value_divisor", "<i8"),
        ("most_tick_lots", "<i8"),  # so much has a value that adds up over all instruments
        ("base_owned_lots", "<i8"),  # of the base asset, at a position of zero
        ("long_e8", "<i8"),  # the position with all open buys, signed
        ("short_e8", "<i8"),  # minus the position, with all open sells, signed
        ("gross_e8", "<i8"),  # the greater of the two, or zero
        ("open_e8", "<i8"),
        ("open_buy_e8", "<i8"),
        ("cash_e8", "<i8"),  # after fees
        ("profit_e8", "<i8"),  # cash + position x mark
        ("turnover_e8", "<i8"),
        ("unvalued", "<i8"),  # 1: a position without a price, or beyond arithmetic
        ("fills_n", "<i8"),  # of POSITION, those counted in the account
        ("day_traded_lots", "<i8"),  # bought + sold when the day began
    ]
)
