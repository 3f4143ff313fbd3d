"""A slow and obvious book: two dicts, the synchronisation rules, and every top of book remembered.

Written from the protocol's rules, not from the code under test. Prices and quantities are integers
(ticks and lots); 0 lots removes a level.
"""

from dataclasses import dataclass, field

Levels = dict[int, int]
Top = tuple[int, int, int, int]

EMPTY_TOP: Top = (0, 0, 0, 0)


@dataclass(frozen=True)
class Diff:
    """One depth event: U, u, pu (-1 on spot) and its levels."""

    first: int
    last: int
    previous: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True)
class Snapshot:
    last: int
    bids: Levels
    asks: Levels


def change(side: Levels, levels: Levels) -> None:
    """Apply levels to a side."""
    for ticks, lots in levels.items():
        if lots:
            side[ticks] = lots
        else:
            side.pop(ticks, None)


def best_first(side: Levels, bids: bool) -> list[tuple[int, int]]:
    return sorted(side.items(), reverse=bids)


def top_of(bids: Levels, asks: Levels) -> Top:
    bid = max(bids, default=0)
    ask = min(asks, default=0)
    return bid, bids.get(bid, 0), ask, asks.get(ask, 0)


@dataclass
class Tops:
    """Tops of book by id, ours and the venue's. Both streams' ids rise; equal ids must agree."""

    ours: dict[int, Top] = field(default_factory=dict)
    venue: dict[int, Top] = field(default_factory=dict)
    newest_ours: int = -1
    newest_venue: int = -1
    compared: int = 0
    mismatched: int = 0

    def agree(self, update_id: int) -> bool:
        if update_id not in self.ours or update_id not in self.venue:
            return True
        self.compared += 1
        equal = self.ours[update_id] == self.venue[update_id]
        self.mismatched += not equal
        return equal

    def add_ours(self, update_id: int, top: Top) -> bool:
        if update_id <= self.newest_ours:
            return True
        self.newest_ours = update_id
        self.ours[update_id] = top
        return self.agree(update_id)

    def add_venue(self, update_id: int, top: Top) -> bool:
        if update_id <= self.newest_venue:
            return True
        self.newest_venue = update_id
        self.venue[update_id] = top
        return self.agree(update_id)


class ReferenceBook:
    """One book. ``state`` and ``reason`` are the names of BookState and BookReason members."""

    def __init__(self, market: str) -> None:
        assert market in ("spot", "usdm")
        self.market = market
        self.state, self.reason = "EMPTY", "NONE"
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.local = -1
        self.loaded = False  # a snapshot that no event has continued yet
        self.chained = False  # levels rest on an unbroken chain of events
        self.buffer: list[Diff] = []
        self.tops = Tops()
        self.lived = False
        self.counts = dict.fromkeys(
            ("applied", "ignored", "buffered", "gaps", "resyncs", "crossed", "refused", "silences"),
            0,
        )

    def top(self) -> Top:
        """What is served."""
        return top_of(self.bids, self.asks) if self.state == "LIVE" else EMPTY_TOP

    # --- the rules -------------------------------------------------------------------------------

    def old(self, diff: Diff, local: int, first_after_snapshot: bool) -> bool:
        if self.market == "usdm" and first_after_snapshot:
            return diff.last < local
        return diff.last <= local

    def continues(self, diff: Diff, local: int, first_after_snapshot: bool) -> bool:
        if self.market == "spot":
            return diff.first <= local + 1 <= diff.last
        if first_after_snapshot:
            return diff.previous <= local <= diff.last
        return diff.previous == local

    # --- what comes ------------------------------------------------------------------------------

    def depth(self, diff: Diff) -> None:
        if not self.loaded and not self.chained:
            self.keep(diff)
            if self.state == "EMPTY":
                self.state, self.reason = "SYNCING", "NONE"
        elif self.old(diff, self.local, self.loaded):
            self.counts["ignored"] += 1
        elif self.continues(diff, self.local, self.loaded):
            self.apply(diff)
        elif self.chained:
            self.gap()
            self.keep(diff)
        else:
            self.counts["refused"] += 1
            self.forget()
            self.keep(diff)

    def snapshot(self, snapshot: Snapshot) -> None:
        if self.chained or (self.loaded and snapshot.last <= self.local):
            return
        while self.buffer and self.old(self.buffer[0], snapshot.last, True):
            self.buffer.pop(0)
            self.counts["ignored"] += 1
        if self.buffer and not self.continues(self.buffer[0], snapshot.last, True):
            self.counts["refused"] += 1
            return
        self.bids, self.asks = dict(snapshot.bids), dict(snapshot.asks)
        self.local, self.loaded = snapshot.last, True
        if self.state == "EMPTY":
            self.state, self.reason = "SYNCING", "NONE"
        while self.buffer and (self.loaded or self.chained):
            diff = self.buffer[0]
            if self.old(diff, self.local, self.loaded):
                self.counts["ignored"] += 1
            elif self.continues(diff, self.local, self.loaded):
                self.apply(diff)
            else:
                self.gap()
                return
            self.buffer.pop(0)

    def ticker(self, update_id: int, top: Top) -> None:
        if not self.tops.add_venue(update_id, top) and self.chained:
            self.fail("MISMATCH")

    def silent(self) -> None:
        if self.state == "LIVE":
            self.state, self.reason = "STALE", "SILENT"
            self.counts["silences"] += 1

    def reset(self) -> None:
        self.forget()
        self.buffer.clear()
        compared, mismatched = self.tops.compared, self.tops.mismatched
        self.tops = Tops(compared=compared, mismatched=mismatched)
        self.state, self.reason = "STALE" if self.lived else "EMPTY", "RESET"

    # --- what follows ----------------------------------------------------------------------------

    def keep(self, diff: Diff) -> None:
        self.buffer.append(diff)
        self.counts["buffered"] += 1

    def forget(self) -> None:
        self.bids, self.asks = {}, {}
        self.loaded = self.chained = False

    def fail(self, reason: str) -> None:
        self.forget()
        self.state, self.reason = "STALE", reason
        if reason != "GAP":
            self.tops.ours.clear()

    def gap(self) -> None:
        self.counts["gaps"] += 1
        self.fail("GAP")

    def apply(self, diff: Diff) -> None:
        by_snapshot = self.loaded
        change(self.bids, diff.bids)
        change(self.asks, diff.asks)
        self.local, self.loaded, self.chained = diff.last, False, True
        self.counts["applied"] += 1
        if self.bids and self.asks and max(self.bids) >= min(self.asks):
            self.counts["crossed"] += 1
            self.fail("CROSSED")
        elif not self.tops.add_ours(diff.last, top_of(self.bids, self.asks)):
            self.fail("MISMATCH")
        elif self.state != "LIVE":
            self.counts["resyncs"] += by_snapshot and self.lived
            self.lived = True
            self.state, self.reason = "LIVE", "NONE"
