"""Watches the orders of a run by its event ring: what state the book was in when one left."""

from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import Final

from appliance.abi.event import EventKind
from appliance.abi.market import BookState
from appliance.abi.region_view import RegionView

EVENTS_A_LOOK: Final = 4096


@dataclass
class Watch:
    """Reads the event ring: what state each book was in when an order left."""

    view: RegionView
    states: dict[int, int] = field(default_factory=dict)
    sent_n: int = 0
    refused: Tally[int] = field(default_factory=Tally)
    faults: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Everything new."""
        records, missed_n = self.view.events(EVENTS_A_LOOK)
        if missed_n:
            self.faults.append(f"{missed_n} events were overwritten before they were read")
        for record in records:
            i = int(record["instrument"])
            if record["kind"] == EventKind.BOOK_STATE:
                self.states[i] = int(record["observed"])
            elif record["kind"] == EventKind.REFUSED:
                self.refused[int(record["reason"])] += 1
            elif record["kind"] == EventKind.SENT:
                self.sent_n += 1
                if self.states.get(i) != BookState.LIVE:
                    self.faults.append(f"an order for {i} left while its book was not live")
