"""What a backtest leaves in a folder: report, result, series, limits, and the certificate."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold import certificate, certificate_check, certificate_key
from appliance.cold.backtest import run_backtest
from appliance.cold.backtest.derived_limits import Basis, NoLimits, derived
from appliance.cold.backtest.evidence import evidence_of
from appliance.cold.backtest.outcome import Outcome
from appliance.cold.backtest.report import write_report
from appliance.cold.backtest.run_backtest import Plan
from appliance.cold.backtest.series import write_npz, write_parquet
from appliance.cold.replay_command import Screen
from appliance.cold.risk_file import RiskFile

RISK: Final = "risk.toml"
CERTIFICATE: Final = "certificate.json"
_FIGURES: Final = (
    *("total_return", "sharpe_ratio", "max_drawdown", "win_rate", "sortino_ratio", "calmar_ratio"),
    *("capital", "profit", "fees", "turnover", "participation", "capacity", "orders", "fills"),
    *("round_trips", "first_ns", "last_ns", "days", "gaps_s", "samples", "sample_s"),
)


@dataclass(frozen=True)
class Asked:
    """What the command line wants to be left."""

    folder: Path | None
    safe_loss: Fraction  # of the capital
    parquet: bool
    certify: bool
    key: str | None
    valid_days: float
    thresholds: certificate_check.Thresholds


def write(asked: Asked, plan: Plan, outcome: Outcome, screen: Screen) -> dict[str, Any]:
    """Everything that was asked for; the result of the run that counts, with where it lies."""
    if (folder := asked.folder) is None:
        return outcome.result
    (folder / CERTIFICATE).unlink(missing_ok=True)  # of an older run: it is not of this one
    risk = folder / RISK
    refused: Sequence[str] = ()
    try:
        text = derived(_basis(asked, plan, outcome))
    except NoLimits as none:
        risk.unlink(missing_ok=True)
        refused = [str(none)]
        outcome.result["notes"].append(f"no limits were derived: {none}")
    else:
        risk.write_text(text, encoding="utf-8")
        if asked.certify:
            screen.say("again, under the limits that were derived")
            plan = replace(plan, limits_file=risk)
            outcome = run_backtest.run(plan, outcome.instruments, screen, warm=True)
    result = outcome.result
    if asked.certify:
        refused = refused or _certify(asked, plan, outcome, screen)
        file = None if refused else str(folder / CERTIFICATE)
        result["certificate"] = {"file": file, "refused": list(refused)}
    result["limits"] = str(risk) if risk.exists() else None
    result["report"] = str(folder / "report.html")
    write_report(folder / "report.html", outcome)
    write_npz(folder / "series.npz", outcome)
    if asked.parquet:
        write_parquet(folder, outcome)
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def _basis(asked: Asked, plan: Plan, outcome: Outcome) -> Basis:
    instruments, ledger = outcome.instruments, outcome.ledger
    given = None if plan.limits_file is None else RiskFile.read(plan.limits_file)
    evidence = evidence_of(outcome.noted, ledger, plan.fees, asked.safe_loss)
    return Basis(
        instruments.symbols,
        instruments.records,
        evidence,
        ledger.capital_e8,
        asked.safe_loss,
        given,
    )


def _certify(asked: Asked, plan: Plan, outcome: Outcome, screen: Screen) -> list[str]:
    """Writes the certificate, or says why not: a line each."""
    assert asked.folder is not None and plan.limits_file is not None
    result, records = outcome.result, list[Any](outcome.instruments.records)
    thresholds = asked.thresholds.of(result["capital"])
    if told := certificate_check.shortfalls(result, thresholds):
        return told
    key, made = certificate_key.signing_key(Path(asked.key) if asked.key else None)
    if made:
        screen.say(made)
        result["notes"].append(made)
    market = Market(int(records[0].market)).name.lower()
    now_ns = time.time_ns()
    strategy = plan.strategy
    document = {
        "format": certificate.FORMAT,
        "made_ns": now_ns,
        "expires_ns": now_ns + int(asked.valid_days * certificate.DAY_NS),
        **certificate.subject_of(strategy.source, strategy.values, market, plan.limits_file),
        "instruments": [
            {
                "symbol": symbol,
                "price_grid_e8": int(record.price_grid_e8),
                "quantity_grid_e8": int(record.quantity_grid_e8),
            }
            for symbol, record in zip(outcome.instruments.symbols, records, strict=True)
        ],
        "data": certificate.files_of(plan.history.wanted.paths),
        "assumptions": result["assumptions"],
        "result": {name: result[name] for name in _FIGURES},
        "thresholds": thresholds,
    }
    (asked.folder / CERTIFICATE).write_bytes(certificate.signed(document, key))
    return []
