"""A risk file in which every limit stands, wide enough for whatever a test trades."""

from typing import Final

ACCOUNT: Final = """
[account]
currency = "USDT"
day_starts_at_utc = "00:00"
order_rate_max = 100
order_rate_window_ms = 1000
open_orders_max = 200
message_rate_max = 1000
message_rate_window_ms = 1000
venue_rate_max = 1000
venue_rate_window_ms = 1000
venue_day_max = "off"
gross_max = "100000000"
net_max = "100000000"
leverage_max = 20
day_value_max = "off"
runaway_max = "off"
runaway_window_ms = 1000
messages_per_fill_max = "off"
messages_per_fill_after = 1000
rejects_in_row_max = "off"
day_loss_max = "1000000"
drawdown_max = "1000000"
guardian_age_max_ms = "off"
clock_offset_max_ms = "off"
"""
DEFAULT: Final = """
[default]
position_max = "0.5"
quantity_max = 0.1
notional_max = 10000
collar_pct = 0.5
open_orders_max = 50
book_age_max_ms = 1500
reference_age_max_ms = "0.25"
order_types = ["GTC", "IOC", "POST_ONLY"]
open_orders_side_max = 25
open_notional_max = 50000
repeat_window_ms = 1
window_collar_pct = 50
collar_window_ms = 60000
event_age_max_ms = "off"
day_quantity_max = "off"
losses_in_row_max = "off"
fee_pct = "0.1"
"""


def risk_text(**changes: object) -> str:
    """The file with some keys set to other values; a key that stands in both sections: in both."""
    lines = (ACCOUNT + DEFAULT).splitlines()
    for key, value in changes.items():
        shown = value if isinstance(value, (int, float)) or str(value)[:1] == "[" else f'"{value}"'
        found = [n for n, line in enumerate(lines) if line.startswith(f"{key} =")]
        assert found, key
        for n in found:
            lines[n] = f"{key} = {shown}"
    return "\n".join(lines) + "\n"
