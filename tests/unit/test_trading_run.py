"""A run before its session: addresses, certificates, what the loop is to be."""

import asyncio
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading_state import TradingState
from appliance.cold import run_config
from appliance.cold.compile_cache import Cache
from appliance.cold.errors import ApplianceError
from appliance.cold.live import trading_run
from appliance.cold.live.endpoints import PRODUCTION, endpoints_of
from appliance.cold.live.trading_run import TradingRun
from appliance.cold.strategy_loader import load_strategy

SYMBOLS = ["BTCUSDT", "ETHUSDT"]


def config(folder: Path, **more: Any) -> run_config.RunConfig:
    document = {"mode": "paper", "market": "spot", "symbols": SYMBOLS} | more
    return run_config.check(document, folder / "run.toml")


def live(folder: Path, **more: Any) -> run_config.RunConfig:
    files = {"risk": {"file": "risk.toml"}, "keys": {"file": "key.json"}}
    files["journal"] = {"folder": "journal"}
    addresses = {"rest": "http://[::1]:9", "streams": "ws://[::1]:9", "orders": "ws://[::1]:9"}
    venue = addresses | more.pop("venue", {})
    return config(folder, mode="live", testnet=True, venue=venue, **files, **more)


def trading(made: run_config.RunConfig, key: Any = None) -> TradingRun:
    return TradingRun(
        config=made,
        key=key,
        strategy=load_strategy("market_maker", {}),
        certified=None,
        cache=Cache(made.path.parent, True, made.path.parent / "complete"),
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
    assert 0 < plan.epoch <= 0xFFFF_FFFF
    assert plan.mode == ("testnet" if key else "paper"), "telemetry tells them apart from live"


def test_runs_that_start_together_differ(tmp_path: Path, monkeypatch) -> None:
    """Their client order ids do, by the epoch: one account has one name space."""
    monkeypatch.setattr(trading_run.time, "time", lambda: 1_800_000_000.0)
    run = trading(config(tmp_path))
    instruments: Any = SimpleNamespace(symbols=SYMBOLS)
    assert len({run._plan(instruments).epoch for _ in range(5)}) == 5


def test_a_venue_that_is_not_there_ends_the_run_in_words(tmp_path: Path, monkeypatch) -> None:
    async def compiled(*_: object) -> None:
        pass

    async def at_once(_: float) -> None:
        pass

    monkeypatch.setattr(trading_run.compiling, "compile_live", compiled)
    monkeypatch.setattr("appliance.cold.live.rest_client.asyncio", SimpleNamespace(sleep=at_once))
    run = trading(config(tmp_path, venue={"rest": "http://127.0.0.1:9"}))
    with pytest.raises(ApplianceError, match=r"127\.0\.0\.1"):
        asyncio.run(run.run(1.0))


# ---- however it ends, what is open at the venue is cancelled ------------------------------------


class Ending:
    """A run whose session ends as ``end`` says, with one order open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, end: Any) -> None:
        self.told: list[str] = []
        self.tries_n = 0
        self.may_cancel = True
        self.open_n = 1
        self.account = SimpleNamespace(trading_state=TradingState.ACTIVE)
        self.run = trading(live(folder), key=object())
        self.run._say = self.told.append

        async def session_run(_: Any) -> None:
            await end(self.session)

        async def nothing() -> None:
            self.closed = True

        self.closed = False
        self.session = SimpleNamespace(
            alerts=SimpleNamespace(),
            run=session_run,
            fatal="",
            inquiry=SimpleNamespace(live=self._live, cancel_all=self._cancel_all),
            messages=SimpleNamespace(serve=lambda: None),
            sink=SimpleNamespace(flush=lambda: None),
            live_orders_n=lambda: self.open_n,
            close=nothing,
        )
        for name in ("LinkTable", "Settings", "OrderMessages"):
            monkeypatch.setattr(trading_run, name, lambda *_, **__: SimpleNamespace(free_all=int))
        grids = SimpleNamespace(grids_of=lambda _: {})
        monkeypatch.setattr(trading_run, "venue_rules", grids)
        monkeypatch.setattr(trading_run, "LiveSession", lambda *_: self.session)
        monkeypatch.setattr(trading_run, "report", lambda *_: {"session": {"fatal": ""}})

    def _live(self, *, unknown_only: bool) -> list[Any]:
        return [SimpleNamespace(key=7)] * self.open_n

    async def _cancel_all(self, gone: set[int]) -> int:
        assert self.account.trading_state == TradingState.HALTED, "no new order meanwhile"
        assert not self.closed
        self.tries_n += 1
        if self.may_cancel:
            self.open_n = 0
            gone.add(7)
        return 1

    def __call__(self) -> Any:
        core = SimpleNamespace(
            gateway=SimpleNamespace(templates=SimpleNamespace(epoch=[5])),
            gate=SimpleNamespace(account=[self.account]),
        )
        made: Any = SimpleNamespace(
            loop=SimpleNamespace(start=lambda _: None, stop=lambda: None, join=lambda _: True),
            core=core,
            links=object(),
            desk=object(),
            notes=[],
            instruments=SimpleNamespace(symbols=("BTCUSDT",)),
            limits=SimpleNamespace(currency="USDT"),
            region=SimpleNamespace(
                update_clock=lambda: None,
                set_limits=lambda _: None,
                path=Path("lonecore-none.region"),
            ),
        )
        self.run.made = made
        return asyncio.run(self.run._session(made, None, None, None))  # type: ignore[arg-type]


async def in_peace(_: Any) -> None:
    pass


async def refused(session: Any) -> None:
    session.fatal = "the venue does not take our key"


async def defective(_: Any) -> None:
    raise ZeroDivisionError("a defect of ours")


@pytest.mark.parametrize("end", [in_peace, refused, defective])
def test_our_orders_are_cancelled_however_it_ends(monkeypatch, tmp_path: Path, end: Any) -> None:
    ending = Ending(monkeypatch, tmp_path, end)
    if end is defective:
        with pytest.raises(ZeroDivisionError):
            ending()
    else:
        assert ending()["session"]["left_open"] == []
    assert ending.tries_n == 1 and ending.closed
    assert ending.told[-1] == "cancelled 1 open orders"


def test_orders_that_are_left_are_named(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("appliance.cold.live.last_orders.CANCEL_S", 0.1)
    ending = Ending(monkeypatch, tmp_path, in_peace)
    ending.may_cancel = False
    name = "lc-00000005-000000000000-0007"
    assert ending()["session"]["left_open"] == [name]
    assert ending.told[-1] == f"1 orders may still be open: {name}"


@pytest.mark.parametrize(
    ("number", "hurries"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False)],
)
def test_a_second_ctrl_c_ends_it_at_once(
    monkeypatch, tmp_path: Path, number: int, hurries: bool
) -> None:
    """A dropped line sends SIGHUP, and perhaps SIGTERM after it: only a person is in a hurry."""
    monkeypatch.setattr("appliance.cold.live.last_orders.CANCEL_S", 1.0)

    async def stopped(_: Any) -> None:
        asyncio.get_running_loop().call_later(0.2, ending.run._on_signal, number)

    ending = Ending(monkeypatch, tmp_path, stopped)
    ending.may_cancel = False
    started_s = time.monotonic()
    assert len(ending()["session"]["left_open"]) == 1
    assert (time.monotonic() - started_s < 0.6) == hurries
    assert ending.told[-1].startswith("ended at once: 1 orders") == hurries


def test_on_paper_nothing_is_cancelled(monkeypatch, tmp_path: Path) -> None:
    ending = Ending(monkeypatch, tmp_path, in_peace)
    ending.run._key = None
    assert ending()["session"]["left_open"] == [] and ending.tries_n == 0
