"""A run before its session: addresses, certificates, what the loop is to be."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold import run_config
from appliance.cold.errors import ApplianceError
from appliance.cold.live.endpoints import PRODUCTION
from appliance.cold.live.trading_run import TradingRun, endpoints_of
from appliance.cold.strategy_loader import load_strategy

SYMBOLS = ["BTCUSDT", "ETHUSDT"]


def config(folder: Path, **more: Any) -> run_config.RunConfig:
    document = {"mode": "paper", "market": "spot", "symbols": SYMBOLS} | more
    return run_config.check(document, folder / "run.toml")


def live(folder: Path, **more: Any) -> run_config.RunConfig:
    files = {"risk": {"file": "risk.toml"}, "keys": {"file": "key.json"}}
    return config(folder, mode="live", **files, **more)


def trading(made: run_config.RunConfig, key: Any = None) -> TradingRun:
    return TradingRun(
        config=made,
        key=key,
        strategy=load_strategy("market_maker", {}),
        cache=(made.path.parent, True),
        rings_folder=None,
        say=lambda _: None,
        process_started_s=time.time(),
    )


@pytest.mark.parametrize(("name", "market"), [("spot", Market.SPOT), ("usdm", Market.USDM)])
def test_without_addresses_it_is_the_markets_own(tmp_path: Path, name: str, market: Market) -> None:
    assert endpoints_of(config(tmp_path, market=name)) == PRODUCTION[market]


def test_each_address_may_be_another(tmp_path: Path) -> None:
    made = endpoints_of(config(tmp_path, venue={"rest": "http://127.0.0.1:8080/"}))
    usual = PRODUCTION[Market.SPOT]
    assert made.rest == "http://127.0.0.1:8080", "a path can be put behind it"
    assert (made.streams, made.orders) == (usual.streams, usual.orders)


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_certificates_that_are_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ApplianceError, match=r"venue\.extra_ca: .*ca\.pem"):
        trading(config(tmp_path, venue={"extra_ca": "ca.pem"}))


@pytest.mark.parametrize("key", [None, object()], ids=["paper", "live"])
def test_the_loop_is_planned_as_configured(tmp_path: Path, key: object) -> None:
    session = {"book_silence_ms": 700, "answer_timeout_ms": 900}
    made = live(tmp_path, session=session) if key else config(tmp_path, session=session)
    plan = trading(made, key)._plan(SimpleNamespace(symbols=SYMBOLS))  # type: ignore[arg-type]
    assert plan.live and plan.sends_orders == (key is not None)
    assert (plan.book_silence_ms, plan.answer_timeout_ms) == (700, 900)
    assert plan.limits_file == (tmp_path / "risk.toml" if key else None)
    assert 0 < plan.epoch <= 0xFFFF_FFFF and plan.mode == made.mode


def test_a_venue_that_is_not_there_ends_the_run_in_words(tmp_path: Path, monkeypatch) -> None:
    async def compiled(_: TradingRun) -> None:
        pass

    async def at_once(_: float) -> None:
        pass

    monkeypatch.setattr(TradingRun, "_compile", compiled)
    monkeypatch.setattr("appliance.cold.live.rest_client.asyncio", SimpleNamespace(sleep=at_once))
    run = trading(config(tmp_path, venue={"rest": "http://127.0.0.1:9"}))
    with pytest.raises(ApplianceError, match=r"127\.0\.0\.1"):
        asyncio.run(run.run(1.0))
