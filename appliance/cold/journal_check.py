"""What stands in a journal's ring: which records are whole, and what is wrong with the others.

The rules, for the writer that starts and for ``appliance journal --verify`` alike:

* the last record is the greatest sequence whose check is right;
* what stands behind it and is not whole is *torn*: the process ended while it wrote that record.
  What it would have told of has not happened, because a record is finished first. It is dropped;
* any other record that is not whole, up to the last one and to HEAD, is *damaged* (a power cut
  wrote some pages and not others; a disk fault; somebody's editor). If the archive has it, nothing
  is lost. Else the journal is refused until a person has it repaired.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.abi.crc32c import checks_of
from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    CHECK,
    CHECKED_WORDS,
    HEAD,
    HEADER_WORDS,
    JOURNAL,
    RECORD_WORDS,
    SALT,
)


@dataclass(frozen=True)
class Examined:
    """Of one look at a ring; sequences count from 1."""

    records: Any  # JOURNAL[n], whole, in the order of their sequences
    head: int  # as the writer left it
    archived: int
    last: int  # whole; 0: none
    torn: bool  # behind the last
    damaged: tuple[int, ...]  # that the archive does not have


def whole(rows: Any, salt: int) -> Any:
    """Which of int64[n, RECORD_WORDS] have the check that they should."""
    return (rows[:, 0] > 0) & (checks_of(rows[:, :CHECKED_WORDS], salt) == rows[:, CHECK])


def examine(words: Any, *, running: bool = False) -> Examined:
    """A look at the words of a journal. ``running``: its writer goes on meanwhile."""
    head, archived = int(words[HEAD]), int(words[ARCHIVED])
    capacity = int(words[CAPACITY])
    rows = words[HEADER_WORDS:].reshape(capacity, RECORD_WORDS).copy()
    slots = np.arange(capacity)
    good = whole(rows, int(words[SALT])) & (rows[:, 0] % capacity == slots)
    sequences = rows[:, 0]
    last = int(sequences[good].max(initial=0))
    # What the writer went over while we copied is neither here nor missing.
    oldest = max(1, (int(words[HEAD]) if running else last) - capacity + 1 + int(running))
    good &= (sequences >= oldest) & (sequences <= last)
    expected = np.arange(oldest, max(last, 0 if running else head) + 1)
    present = np.zeros(len(expected), bool)
    present[sequences[good] - oldest] = True
    missing = expected[~present]
    found = rows[good]
    found = found[np.argsort(found[:, 0])]
    after = rows[(last + 1) % capacity]
    is_old = good_old(after, last, capacity, int(words[SALT]))
    return Examined(
        records=found.view(JOURNAL)[:, 0] if len(found) else np.zeros(0, JOURNAL),
        head=head,
        archived=archived,
        last=last,
        torn=not running and bool(after[:CHECKED_WORDS].any()) and not is_old,
        damaged=tuple(int(n) for n in missing if n > archived),
    )


def good_old(row: Any, last: int, capacity: int, salt: int) -> bool:
    """Whether the slot behind the last record still holds the one of a round before."""
    return bool(whole(row.reshape(1, -1), salt)[0]) and int(row[0]) == last + 1 - capacity
