"""The files of a backtest: recordings, hftbacktest's .npz, or Tardis' CSV."""

from collections.abc import Sequence
from typing import Protocol

from appliance.cold import instrument_table
from appliance.cold.backtest.history import Source
from appliance.cold.backtest.npz_files import EventFiles
from appliance.cold.backtest.recordings import Recordings
from appliance.cold.backtest.tardis import TardisFiles
from appliance.cold.backtest.wanted import Progress, Wanted
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import load_exchange_info
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments


class Input(Protocol):
    """Files of one form."""

    def learn(self, progress: Progress) -> list[Learnt]: ...

    def sources(self, instruments: Instruments) -> list[Source]: ...

    def notes(self) -> list[str]: ...


class History:
    """All of a backtest's input; ``learn`` first, then ``sources`` for each run, then ``notes``."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        forms = {_form(path.name) for path in wanted.files}
        if len(forms) != 1:
            raise ApplianceError("recordings, .npz and .csv cannot be mixed: convert some of them")
        self._input: Input = forms.pop()(wanted)

    def learn(self, progress: Progress) -> Instruments:
        """Instruments and their grids, from a first pass over all of it."""
        info = self.wanted.exchange_info
        rules = load_exchange_info(info) if info else None
        return instrument_table.build(self._input.learn(progress), rules)

    def sources(self, instruments: Instruments) -> Sequence[Source]:
        """One an instrument."""
        return self._input.sources(instruments)

    def notes(self) -> list[str]:
        """What was odd about the input, a line each."""
        return self._input.notes()


def _form(name: str) -> type[Recordings] | type[EventFiles] | type[TardisFiles]:
    if name.endswith(".npz"):
        return EventFiles
    if name.endswith((".csv", ".csv.gz")):
        return TardisFiles
    return Recordings
