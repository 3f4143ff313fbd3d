"""The gateway and the order journal (appliance.hot.gateway, appliance.hot.journal)."""

from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    HEAD,
    KEEPING,
    OVERFLOWED,
    JournalKind,
    Keeping,
)
from appliance.abi.limits import JOURNAL_RESERVE
from appliance.abi.refusal import Reject
from appliance.cold.journal_check import examine
from appliance.hot.gateway import cancel
from appliance.hot.orders import LIVE_N
from tests.unit.test_gateway import NOW_NS, desk, new_counters, place


def test_a_journal_without_room_lets_out_cancels_alone() -> None:
    """What is kept in reserve is for what becomes of orders that are out."""
    gateway, counters = desk(), new_counters()
    words = gateway.journal.words
    slot = place(gateway, counters)
    words[CAPACITY], words[KEEPING] = 2 * JOURNAL_RESERVE, Keeping.ARCHIVE
    words[HEAD] = 1
    words[ARCHIVED] = -JOURNAL_RESERVE  # one record too few
    assert place(gateway, counters) == -Reject.JOURNAL_FULL
    assert gateway.orders.words[LIVE_N] == 1
    words[ARCHIVED] += 1
    words[CAPACITY], words[ARCHIVED] = 1024, words[HEAD]  # as it really is
    assert cancel(gateway, slot, NOW_NS, counters) == 1
    words[KEEPING] = Keeping.NOTHING
    assert place(gateway, counters) == -Reject.JOURNAL_FULL
    assert words[OVERFLOWED] == 0


def test_an_order_is_in_the_journal_before_it_is_on_its_way() -> None:
    gateway, counters = desk(), new_counters()
    slot = place(gateway, counters)
    assert cancel(gateway, slot, NOW_NS, counters) == 1
    told = examine(gateway.journal.words).records
    assert told["kind"].tolist() == [JournalKind.INTENT, JournalKind.CANCEL_SENT]
    request = gateway.requests.slots[0]
    for name in ("order_key", "instrument", "side", "price_ticks", "quantity_lots"):
        assert told[name][0] == told[name][1] == request[name]
    assert (told["tag"][0], told["limit"][0]) == (9, request.time_in_force)
