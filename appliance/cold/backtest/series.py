"""The series of a backtest, for other programs: .npz, and Parquet where pyarrow is installed.

``series.npz`` holds, times in ns since 1970 and money times 10**8::

    time_ns, equity_e8, drawdown            at each sampling moment, and at the end
    profit_e8, position_lots, middle2_ticks [instrument, time]; the middle twice; 0: none yet
    symbols
    fill_time_ns, fill_instrument, fill_order_key, fill_side, fill_price_ticks,
    fill_quantity_lots, fill_fee_e8, fill_maker, fill_rested_ns
    refusal_time_ns, refusal_reason, refusal_count    in the interval that ended then; reasons
                                                      by number, their names in reasons

The same as ``equity.parquet``, ``fills.parquet`` and ``refusals.parquet``: a row a moment, a fill,
a reason in an interval; what belongs to an instrument has its symbol behind the name.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.refusal import Reject
from appliance.cold.backtest.outcome import Outcome
from appliance.cold.errors import ApplianceError

_FILL: Final = ("order_key", "side", "price_ticks", "quantity_lots", "maker", "rested_ns")


def drawdown_of(equity: Any) -> Any:
    """How far below its highest value so far, as a share of it; zero or negative."""
    values = np.asarray(equity, np.float64)
    return values / np.maximum.accumulate(values) - 1


def equity_of(outcome: Outcome) -> dict[str, Any]:
    ledger = outcome.ledger
    return {
        "time_ns": ledger.times_ns,
        "equity_e8": ledger.equity_e8.astype(np.int64),
        "drawdown": drawdown_of(ledger.equity_e8),
    }


def fills_of(outcome: Outcome) -> dict[str, Any]:
    """Of all instruments, in the order in which they happened."""
    fills = outcome.ledger.fills
    columns = {name: np.concatenate([one.records[name] for one in fills]) for name in _FILL}
    columns["time_ns"] = np.concatenate([one.records.exchange_ns for one in fills])
    columns["instrument"] = np.concatenate([one.records.instrument for one in fills])
    columns["fee_e8"] = np.concatenate([one.fees_e8.astype(np.int64) for one in fills])
    in_order = np.argsort(columns["time_ns"], kind="stable")
    return {name: column[in_order] for name, column in columns.items()}


def refusals_of(outcome: Outcome) -> dict[str, Any]:
    refusals = outcome.noted.refusals
    return {
        "time_ns": np.array(refusals.time_ns),
        "reason": np.array(refusals.reason),
        "count": np.array(refusals.count_n),
    }


def write_npz(path: Path, outcome: Outcome) -> None:
    ledger = outcome.ledger
    np.savez_compressed(
        path,
        symbols=np.array(outcome.instruments.symbols),
        reasons=np.array([reason.name.lower() for reason in Reject]),
        profit_e8=ledger.profit_e8.astype(np.int64),
        position_lots=ledger.position_lots,
        middle2_ticks=ledger.middles2_ticks,
        **equity_of(outcome),
        **{f"fill_{name}": column for name, column in fills_of(outcome).items()},
        **{f"refusal_{name}": column for name, column in refusals_of(outcome).items()},
    )


def write_parquet(folder: Path, outcome: Outcome) -> None:
    """ApplianceError: pyarrow is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ApplianceError("--parquet needs pyarrow: pip install 'lonecore[research]'") from None
    ledger, symbols = outcome.ledger, outcome.instruments.symbols
    equity = equity_of(outcome)
    for i, symbol in enumerate(symbols):
        equity[f"profit_e8_{symbol}"] = ledger.profit_e8[i].astype(np.int64)
        equity[f"position_lots_{symbol}"] = ledger.position_lots[i]
        equity[f"middle2_ticks_{symbol}"] = ledger.middles2_ticks[i]
    fills, refusals = fills_of(outcome), refusals_of(outcome)
    fills["symbol"] = [symbols[i] for i in fills.pop("instrument")]
    refusals["reason"] = [Reject(int(one)).name.lower() for one in refusals["reason"]]
    for name, columns in (("equity", equity), ("fills", fills), ("refusals", refusals)):
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet")
