"""What is signed, and every way in which it may not fit: appliance.cold.certificate,
appliance.cold.certificate_check and appliance.cold.certificate_key."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.cold import certificate, certificate_check, certificate_key
from appliance.cold.certificate import NotCertified
from appliance.cold.certificate_check import Certified, Thresholds
from appliance.cold.errors import ApplianceError

NOW_NS = 1_800_000_000 * 10**9
SYMBOLS = ("BTCUSDT", "ETHUSDT")
RESULT = {
    "total_return": 0.1,
    "sharpe_ratio": 2.0,
    "max_drawdown": -0.01,
    "win_rate": 0.6,
    "sortino_ratio": 3.0,
    "calmar_ratio": 4.0,
    "capital": 1000.0,
    "capacity": 5000.0,
    "days": 7.0,
    "fills": 500,
    "round_trips": 60,
}


class Case:
    """A certificate with everything that it is of, on disk."""

    def __init__(self, folder: Path) -> None:
        self.key = certificate_key.make(folder)
        self.public = self.key.public_key()
        self.strategy, self.risk = folder / "mine.py", folder / "risk.toml"
        self.data = folder / "day.gz"
        for path, text in ((self.strategy, "x = 1\n"), (self.risk, "a = 1\n"), (self.data, "d")):
            path.write_text(text)
        self.params: dict[str, float] = {"ticks": 5, "share": 0.25}
        self.path = folder / "certificate.json"
        self.document = {
            "format": certificate.FORMAT,
            "made_ns": NOW_NS,
            "expires_ns": NOW_NS + certificate.DAY_NS,
            **self.subject(),
            "instruments": [
                {"symbol": symbol, "price_grid_e8": 10**7, "quantity_grid_e8": 10**5}
                for symbol in SYMBOLS
            ],
            "data": certificate.files_of([self.data]),
            "assumptions": {"queue": "risk_averse"},
            "result": RESULT,
            "thresholds": Thresholds().of(1000.0),
        }
        self.write()

    def subject(self) -> dict[str, Any]:
        return certificate.subject_of(self.strategy, self.params, "usdm", self.risk)

    def write(self, **changes: Any) -> None:
        self.path.write_bytes(certificate.signed({**self.document, **changes}, self.key))

    def check(self, symbols: tuple[str, ...] = SYMBOLS, now_ns: int = NOW_NS + 5) -> None:
        document = certificate.read(self.path, self.public)
        certificate_check.check(document, self.subject(), symbols, now_ns)

    def refused(self, **words: Any) -> str:
        with pytest.raises(NotCertified) as refusal:
            self.check(**words)
        assert refusal.value.exit_code == 1
        return str(refusal.value)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_it_fits_what_it_is_of(case: Case) -> None:
    case.check()
    assert certificate_check.lowered(certificate.read(case.path, case.public)) == []


def test_every_byte_of_it_is_signed(case: Case) -> None:
    """Each byte changed in two ways, left out, or doubled."""
    whole = case.path.read_bytes()
    assert len(whole) < 4000
    for at in range(len(whole)):
        for other in (whole[at] ^ 1, whole[at] ^ 0x20):
            case.path.write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
            with pytest.raises(NotCertified):
                certificate.read(case.path, case.public)
        for changed in (whole[:at] + whole[at + 1 :], whole[:at] + whole[at : at + 1] + whole[at:]):
            case.path.write_bytes(changed)
            with pytest.raises(NotCertified):
                certificate.read(case.path, case.public)


def test_whatever_was_changed_is_told(case: Case) -> None:
    case.strategy.write_text("x = 2\n")
    assert "the strategy's source is" in case.refused()
    case.strategy.write_text("x = 1\n")
    case.risk.write_text("a = 2\n")
    assert "the risk file is" in case.refused()
    case.risk.write_text("a = 1\n")
    case.params["ticks"] = 6
    assert "ticks is 6; certified is 5" in case.refused()
    case.params = {"ticks": 5, "other": 1, "share": 0.25}
    assert "other is 1; certified is no such parameter" in case.refused()
    case.params = {"ticks": 5, "share": 0.25}
    assert "the symbols are BTCUSDT; certified are BTCUSDT, ETHUSDT" in case.refused(
        symbols=("BTCUSDT",)
    )
    case.check()


def test_another_version_or_code_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "package_version", lambda: "9.9.9")
        assert "the version is 9.9.9" in case.refused()
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "code_sha256", lambda: "0" * 64)
        assert "the loop's own code (abi, hot) is 0000" in case.refused()
    case.check()


def test_the_code_is_all_of_abi_and_hot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("abi/a.py", "hot/deep/b.py", "cold/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(certificate, "PACKAGE", tmp_path)
    seen = {certificate.code_sha256()}
    for name, is_of_it in (("abi/a.py", True), ("hot/deep/b.py", True), ("cold/c.py", False)):
        (tmp_path / name).write_text("2")
        made = certificate.code_sha256()
        assert (made not in seen) == is_of_it
        seen.add(made)


def test_its_time(case: Case) -> None:
    day_ns = certificate.DAY_NS
    case.check(now_ns=NOW_NS + day_ns - 1)
    assert "it has expired: 2027-01-16" in case.refused(now_ns=NOW_NS + day_ns)
    assert "made in the future" in case.refused(now_ns=NOW_NS - 3600 * 10**9)
    case.check(now_ns=NOW_NS - 10**9)


def test_another_key_is_refused(case: Case, tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(NotCertified, match="not that of the trusted key"):
        certificate.read(case.path, other.public_key())
    case.path.write_bytes(certificate.signed(case.document, other))
    with pytest.raises(NotCertified, match="another key signed it"):
        certificate.read(case.path, case.public)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"null", b'{"signature": 3}', b'{"signature": "!"}', b"[" * 100_000]
)
def test_what_is_no_certificate(case: Case, raw: bytes) -> None:
    case.path.write_bytes(raw)
    with pytest.raises(NotCertified, match="not a certificate"):
        certificate.read(case.path, case.public)


def test_signed_but_incomplete_or_of_another_form(case: Case) -> None:
    for changes in ({"format": 2}, {"more": 1}):
        case.write(**changes)
        with pytest.raises(NotCertified, match="not a certificate in the form"):
            certificate.read(case.path, case.public)
    document = {name: value for name, value in case.document.items() if name != "data"}
    case.path.write_bytes(certificate.signed(document, case.key))
    with pytest.raises(NotCertified, match="in the form"):
        certificate.read(case.path, case.public)


def test_spaces_are_not_the_form_that_is_signed(case: Case) -> None:
    case.path.write_text(json.dumps(json.loads(case.path.read_bytes())))
    with pytest.raises(NotCertified, match="in the form"):
        certificate.read(case.path, case.public)


def test_the_grids_are_those_of_the_venue(case: Case) -> None:
    document = certificate.read(case.path, case.public)
    good = dict.fromkeys(SYMBOLS, (10**7, 10**5))
    certified = Certified(document, case.risk)
    certified.check_again(good)
    with pytest.raises(NotCertified, match=r"ETHUSDT: tick and lot are 0\.01 and 0\.001"):
        certified.check_again(good | {"ETHUSDT": (10**6, 10**5)})
    with pytest.raises(NotCertified, match="BTCUSDT: tick and lot are not there"):
        certified.check_again({"ETHUSDT": (10**7, 10**5)})
    case.risk.write_text("a = 3\n")
    with pytest.raises(NotCertified, match="changed since the start"):
        certified.check_again(good)


# ---- profitable enough? ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sharpe_ratio", 1.49, "Sharpe ratio 1.49: at least 1.5 is needed"),
        ("days", 4.9, "days of data 4.9: at least 5 is needed"),
        ("fills", 99, "fills 99: at least 100 is needed"),
        ("capacity", 999.0, "capacity 999: at least 1,000 is needed"),
        *(
            (name, None, f"{name.replace('_', ' ')} is not defined")
            for name in certificate_check.DEFINED
        ),
        ("win_rate", float("nan"), "win rate is not defined"),
        ("calmar_ratio", float("inf"), "calmar ratio is not defined"),
        ("sharpe_ratio", True, "sharpe ratio is not defined"),
    ],
)
def test_what_falls_short(name: str, value: Any, said: str) -> None:
    thresholds = Thresholds().of(1000.0)
    assert certificate_check.shortfalls(RESULT, thresholds) == []
    assert certificate_check.shortfalls({**RESULT, name: value}, thresholds) == [said]
    without = {k: v for k, v in RESULT.items() if k != name}
    assert certificate_check.shortfalls(without, thresholds) == [
        f"{name.replace('_', ' ')} is not defined"
    ]


def test_a_signed_result_that_falls_short_is_refused_all_the_same(case: Case) -> None:
    case.write(result={**RESULT, "sharpe_ratio": 0.3})
    assert "Sharpe ratio 0.3: at least 1.5" in case.refused()


def test_lowered_thresholds_are_told(case: Case) -> None:
    case.write(thresholds=Thresholds(sharpe_ratio=0.1, days=9.0, capacity=10.0).of(1000.0))
    told = certificate_check.lowered(certificate.read(case.path, case.public))
    assert {line.split(": ")[1] for line in told} == {
        "Sharpe ratio 0.1, usual is 1.5",
        "capacity 10, usual is 1,000",
    }


# ---- keys --------------------------------------------------------------------------------------


def test_a_key_of_ones_own_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key, told = certificate_key.signing_key(None)
    again, silent = certificate_key.signing_key(None)
    private = tmp_path / "lonecore" / certificate_key.PRIVATE
    assert str(private) in told and silent == "" and private.stat().st_mode & 0o777 == 0o600
    trusted = certificate_key.trusted_key(tmp_path / "lonecore" / certificate_key.PUBLIC)
    trusted.verify(key.sign(b"x"), b"x")
    trusted.verify(again.sign(b"y"), b"y")


def test_keys_that_are_none(tmp_path: Path) -> None:
    certificate_key.make(tmp_path)
    private, public = tmp_path / certificate_key.PRIVATE, tmp_path / certificate_key.PUBLIC
    with pytest.raises(ApplianceError, match="File exists"):
        certificate_key.make(tmp_path)
    with pytest.raises(ApplianceError, match="public half"):
        certificate_key.trusted_key(tmp_path / "none")
    with pytest.raises(ApplianceError, match="not a public key"):
        certificate_key.trusted_key(private)
    with pytest.raises(ApplianceError, match="not a private key"):
        public.chmod(0o600)
        certificate_key.signing_key(public)
    private.chmod(0o640)
    with pytest.raises(ApplianceError, match="others may read it: chmod 600"):
        certificate_key.signing_key(private)


def test_a_file_that_is_not_there(case: Case) -> None:
    case.path.unlink()
    with pytest.raises(ApplianceError, match="No such file"):
        certificate.read(case.path, case.public)
    with pytest.raises(ApplianceError, match="No such file"):
        certificate.sha256_of(case.path)
