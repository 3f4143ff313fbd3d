"""``appliance run`` asks for a certificate first (appliance.cold.certificate_check)."""

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.cold import certificate, certificate_check, certificate_key
from appliance.hot.strategy import market_maker
from tests.live.run_file import RISK
from tests.unit.test_run_command import FILES, PAPER, ROOT, as_a_process, key_text, write


def test_live_without_a_certificate_that_fits(tmp_path: Path) -> None:
    """Each stands in the way by itself, and paper asks for none."""
    key = certificate_key.make(tmp_path)
    risk, path = write(tmp_path / "risk.toml", RISK), tmp_path / "run.toml"
    write(tmp_path / "key.json", key_text())
    sections = '[certificate]\nfile = "certificate.json"\nkey = "certificate.pub"\n'
    text = PAPER.replace("paper", "live") + FILES + sections + '[keys]\nfile = "key.json"\n'
    write(path, text)

    def lines(*more: str) -> list[str]:
        done = as_a_process(path, "--check", *more)
        assert done.out == "" and "Traceback" not in done.err
        return [line.removeprefix("appliance run: ") for line in done.err.splitlines()]

    assert lines() == [f"{tmp_path / 'certificate.json'}: No such file or directory"]
    strategy = ROOT / "appliance" / "hot" / "strategy" / "market_maker.py"
    params = {name: param[0] for name, param in market_maker.PARAMS.items()}
    document = certified_by(key, strategy, params, "spot", risk)
    (tmp_path / "certificate.json").write_bytes(document)
    done = as_a_process(path, "--check")
    assert done.code == 0 and done.out == f"{path}: fine (live, BTCUSDT, ETHUSDT)\n"
    write(
        path, text.replace("[certificate]", "[strategy]\nparams = {skew_ticks = 3}\n[certificate]")
    )
    assert lines() == ["not certified: skew_ticks is 3; certified is 2"]
    write(path, text)
    risk.write_text(RISK + "\n")
    assert lines()[0].startswith("not certified: the risk file is ")
    risk.write_text(RISK)
    other = tmp_path / "other"
    (tmp_path / "certificate.json").write_bytes(
        certified_by(certificate_key.make(other), strategy, params, "spot", risk)
    )
    assert "not that of the trusted key" in lines()[0]
    assert as_a_process(path, "--check").code == 1, "the answer is no; the request was not wrong"
    (tmp_path / "certificate.pub").unlink()
    assert "public half of the key" in lines()[0]


def certified_by(
    key: Ed25519PrivateKey, strategy: Path, params: dict[str, float], market: str, risk: Path
) -> bytes:
    """As ``appliance backtest --certify`` signs it."""
    now_ns = time.time_ns()
    result = dict.fromkeys(certificate_check.DEFINED, 1e6) | {"capital": 1000.0}
    return certificate.signed(
        {
            "format": certificate.FORMAT,
            "made_ns": now_ns,
            "expires_ns": now_ns + certificate.DAY_NS,
            **certificate.subject_of(strategy, params, market, risk),
            "instruments": [
                {"symbol": symbol, "price_grid_e8": 10**6, "quantity_grid_e8": 10**3}
                for symbol in ("BTCUSDT", "ETHUSDT")
            ],
            "data": [],
            "assumptions": {},
            "result": result,
            "thresholds": certificate_check.Thresholds().of(1000.0),
        },
        key,
    )
