"""Venues to trade on: one for the session, and as many more as a test wants to treat its own way.

Every venue is in a thread of its own on a free port of loopback; see ``running_venue``.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.venue.server import VenueSettings
from tests.venue.running_venue import Keys, RunningVenue

OpenVenue = Callable[..., RunningVenue]


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    """Both markets, no faults, limits out of reach. Shared: trade on it with keys of your own."""
    settings = VenueSettings(
        keys_dir=tmp_path_factory.mktemp("keys"), limits_factor=1000, actions_per_s=100
    )
    with RunningVenue(settings) as running:
        yield running


@pytest.fixture
def open_venue(tmp_path: Path) -> Iterator[OpenVenue]:
    """``open_venue(faults=.., times=..)``: a venue of the test's own, stopped when it ends."""
    with ExitStack() as stack:

        def open_one(**named: Any) -> RunningVenue:
            settings = VenueSettings(**{"keys_dir": tmp_path / "keys"} | named)
            return stack.enter_context(RunningVenue(settings))

        yield open_one


@pytest.fixture
def spot_keys(venue: RunningVenue) -> Keys:
    """A new spot account on the shared venue."""
    return venue.new_keys(Market.SPOT)


@pytest.fixture
def usdm_keys(venue: RunningVenue) -> Keys:
    """A new USD-M account on the shared venue."""
    return venue.new_keys(Market.USDM)
