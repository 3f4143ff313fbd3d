"""The certificate of a backtest: what was tested, what came of it, signed. Live asks for it.

One JSON document in one form (sorted keys, no spaces), so that every byte of the file is covered by
the signature: Ed25519 over the document without "signature". It names the strategy's source and
parameters, the code of the loop and its version, the instruments with their grids (a parameter in
ticks means nothing on another tick), the risk file, and the data, each by SHA-256; and the result
beside the thresholds that it had to reach.

Who may sign is decided by whoever runs live: `[certificate] key` of the configuration is the public
half of a key that backtests sign with. The private half need not be on the trading host.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.abi.units import NS_PER_S
from appliance.cold.errors import EXIT_NO, ApplianceError

FORMAT: Final = 1
DAY_NS: Final = 86_400 * NS_PER_S
PACKAGE: Final = Path(__file__).resolve().parents[1]
BYTES_MAX: Final = 1 << 20

KEYS: Final = {
    *("format", "made_ns", "expires_ns", "version", "code_sha256", "strategy", "strategy_sha256"),
    *("params", "market", "instruments", "risk_sha256", "data", "assumptions", "result"),
    "thresholds",
}


class NotCertified(ApplianceError):
    """The answer is no; its text says why, a line each."""

    exit_code = EXIT_NO


# ---- what is certified -------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """ApplianceError: it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from None


def code_sha256(parts: Sequence[str] = ("abi", "hot")) -> str:
    """Of these parts of the package; if nothing is said, of what runs in the loop."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted((PACKAGE / part).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def package_version() -> str:
    try:
        return version("lonecore")
    except PackageNotFoundError:
        return "unknown"


def files_of(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Name, length and hash of each."""
    return [
        {"name": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in paths
    ]


def subject_of(
    strategy_source: Path, params: Mapping[str, float], market: str, risk_file: Path
) -> dict[str, Any]:
    """What a run is, as far as it is known before the venue is asked."""
    return {
        "version": package_version(),
        "code_sha256": code_sha256(),
        "strategy": strategy_source.stem,
        "strategy_sha256": sha256_of(strategy_source),
        "params": dict(params),
        "market": market,
        "risk_sha256": sha256_of(risk_file),
    }


# ---- signing and reading -----------------------------------------------------------------------


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return text.encode()


def signed(document: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The file's bytes; ``document`` without "signature"."""
    signature = base64.b64encode(key.sign(_canonical(document))).decode()
    return _canonical({**document, "signature": signature}) + b"\n"


def read(path: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    """What a certificate says, if ``key``'s owner signed it. NotCertified, ApplianceError."""
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from None
    try:
        document = json.loads(raw)
        signature = base64.b64decode(document.pop("signature"), validate=True)
        is_whole = (
            raw
            == _canonical({**document, "signature": base64.b64encode(signature).decode()}) + b"\n"
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotCertified(f"{path}: not a certificate") from None
    is_whole = is_whole and document.keys() == KEYS
    if not is_whole or document.get("format") != FORMAT:
        raise NotCertified(f"{path}: not a certificate in the form that is signed")
    try:
        key.verify(signature, _canonical(document))
    except InvalidSignature:
        raise NotCertified(
            f"{path}: the signature is not that of the trusted key: another key signed it, or it"
            " was changed afterwards"
        ) from None
    checked: dict[str, Any] = document
    return checked
