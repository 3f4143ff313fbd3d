"""What `sidecar run` is told: a file, or nothing at all.

::

    regions = ["live"]                  # runs to watch; default: whatever runs on this host

    [spool]
    folder = "/var/lib/lonecore/spool"  # default: ~/.local/state/lonecore/spool
    megabytes_max = 2048                # what is worth least goes first

    [recorder]                          # frames of the venue as they came
    folder = "/var/lib/lonecore/recordings"  # default: recordings, in the spool's folder
    megabytes_max = 8192                # the oldest files go first; 0: nothing is recorded

    [journal]                           # without it no journal is copied
    files = ["/var/lib/lonecore/journal/live.journal"]
    copy_to = "/mnt/backup/lonecore"    # another disk

    [influx]                            # without it the spool is the record
    url = "http://127.0.0.1:8086"
    api = "v2"                          # "v1": plain /write of 1.x
    bucket = "lonecore"                 # of 1.x: database, or database/retention policy
    org = "desk"                        # of 2.x
    token_file = "influx.token"         # mode 0600; of 1.x: user:password
    ca_file = "ca.pem"                  # instead of the system's certificates

    [grafana]                           # for `sidecar provision` only
    url = "http://127.0.0.1:3000"
    token_file = "grafana.token"        # of a service account that may edit; mode 0600
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from appliance.abi.journal import JOURNAL_SUFFIX
from sidecar.transport import Target

STATUS_NAME: Final = "status.json"  # in the spool: what the sidecar says of itself
MEGABYTE: Final = 1024 * 1024
SPOOL_MEGABYTES: Final = 2048
RECORDER_MEGABYTES: Final = 8192
RECORDINGS: Final = "recordings"  # a folder in the spool's
_MEGABYTES_MAX: Final = 1024 * 1024
_SECTIONS: Final = ("spool", "recorder", "journal", "influx", "grafana")
_KEYS: Final[dict[str, dict[str, type]]] = {
    "": {"regions": list, **dict.fromkeys(_SECTIONS, dict)},
    "spool": {"folder": str, "megabytes_max": int},
    "recorder": {"folder": str, "megabytes_max": int},
    "journal": {"files": list, "copy_to": str},
    "influx": {
        **dict.fromkeys(("url", "api", "bucket", "org", "token_file", "ca_file"), str),
    },
    "grafana": dict.fromkeys(("url", "token_file"), str),
}


class ConfigError(Exception):
    """The request is wrong; one line for the user."""


@dataclass(frozen=True)
class Grafana:
    """Where dashboards are put by `sidecar provision`."""

    url: str
    token: str


@dataclass(frozen=True)
class Config:
    spool_folder: Path
    spool_bytes_max: int = SPOOL_MEGABYTES * MEGABYTE
    recordings_folder: Path | None = None  # None: in the spool's
    recordings_bytes_max: int = RECORDER_MEGABYTES * MEGABYTE  # 0: nothing is recorded
    regions: tuple[str, ...] = ()
    journals: tuple[Path, ...] = ()
    journal_copies: Path | None = None
    target: Target | None = None
    grafana: Grafana | None = None


def default_spool_folder() -> Path:
    """Where nothing was said: systemd's StateDirectory, else the user's own state."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0]) / "spool"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "lonecore" / "spool"


def load(path: Path | None) -> Config:
    """ConfigError names what is wrong and where. Relative paths are the file's."""
    if path is None:
        return Config(default_spool_folder())
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    _check(told, "", path)
    spool, recorder = told.get("spool", {}), told.get("recorder", {})
    megabytes = spool.get("megabytes_max", SPOOL_MEGABYTES)
    if not 16 <= megabytes <= _MEGABYTES_MAX:
        raise ConfigError(
            f"{path}: [spool] megabytes_max: {megabytes} is not 16 to {_MEGABYTES_MAX}"
        )
    recorded = recorder.get("megabytes_max", RECORDER_MEGABYTES)
    if recorded != 0 and not 64 <= recorded <= _MEGABYTES_MAX:
        raise ConfigError(
            f"{path}: [recorder] megabytes_max: {recorded} is neither 0 nor 64 to {_MEGABYTES_MAX}"
        )
    folder = spool.get("folder")
    recordings = recorder.get("folder")
    return Config(
        path.parent / folder if folder else default_spool_folder(),
        megabytes * MEGABYTE,
        path.parent / recordings if recordings else None,
        recorded * MEGABYTE,
        tuple(told.get("regions", ())),
        *_journals(told.get("journal", {}), path),
        _target(told["influx"], path) if "influx" in told else None,
        _grafana(told["grafana"], path) if "grafana" in told else None,
    )


def _journals(journal: Mapping[str, Any], path: Path) -> tuple[tuple[Path, ...], Path | None]:
    where = f"{path}: [journal]"
    files = tuple(path.parent / name for name in journal.get("files", ()))
    if not journal:
        return (), None
    if not files or not journal.get("copy_to"):
        raise ConfigError(f"{where} files and copy_to are both needed")
    folder = path.parent / journal["copy_to"]
    for file in files:
        if not file.name.endswith(JOURNAL_SUFFIX):
            raise ConfigError(f"{where} files: {file}: a journal's name ends with {JOURNAL_SUFFIX}")
        if file.parent.resolve() == folder.resolve():
            raise ConfigError(f"{where} copy_to: {folder} is where {file.name} itself lies")
    if len({file.name for file in files}) < len(files):
        raise ConfigError(f"{where} files: two of one name cannot be copied to one folder")
    return files, folder


def _check(section: Mapping[str, Any], name: str, path: Path) -> None:
    known = _KEYS[name]
    where = f"{path}: [{name}]" if name else f"{path}:"
    for key, value in section.items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(known)}"
            raise ConfigError(f"{where} unknown key {key}{hint}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise ConfigError(f"{where} {key}: {value!r} is no {_kind(known[key])}")
        if isinstance(value, dict):
            _check(value, key, path)
        if isinstance(value, list) and not all(isinstance(one, str) and one for one in value):
            raise ConfigError(f"{where} {key}: each must be a name")


def _kind(kind: type) -> str:
    return {list: "list", dict: "section", str: "text", int: "whole number"}[kind]


def _target(influx: Mapping[str, Any], path: Path) -> Target:
    where = f"{path}: [influx]"
    _want(influx, ("url", "bucket"), where)
    api = influx.get("api", "v2")
    if api not in ("v1", "v2"):
        raise ConfigError(f'{where} api: {api!r} is neither "v1" nor "v2"')
    if api == "v2" and not influx.get("org") and "/" not in influx["bucket"]:
        raise ConfigError(f'{where} org is missing; a server of 1.x wants api = "v1"')
    ca_file = influx.get("ca_file")
    if ca_file and not (path.parent / ca_file).is_file():
        raise ConfigError(f"{where} ca_file: there is no {path.parent / ca_file}")
    return Target(
        influx["url"],
        influx["bucket"],
        influx.get("org", ""),
        _token(path.parent / influx["token_file"], where) if "token_file" in influx else "",
        api,
        str(path.parent / ca_file) if ca_file else None,
    )


def _grafana(grafana: Mapping[str, Any], path: Path) -> Grafana:
    where = f"{path}: [grafana]"
    _want(grafana, ("url", "token_file"), where)
    return Grafana(grafana["url"], _token(path.parent / grafana["token_file"], where))


def _want(section: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if not section.get(key):
            raise ConfigError(f"{where} {key} is missing")
    if not section["url"].startswith(("http://", "https://")):
        raise ConfigError(
            f"{where} url: {section['url']!r} does not begin with http:// or https://"
        )


def _token(path: Path, where: str) -> str:
    """The secret; nobody else may read its file. One that systemd lends is ours alone, whatever its
    mode says (a group's bits are the mask of an access list there)."""
    lent = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        mode = 0 if lent and path.parent == Path(lent) else path.stat().st_mode
        token = path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{where} token_file: cannot read {path}: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"{where} token_file: others may read {path}: chmod 600 {path}")
    if not token or any(c.isspace() for c in token):
        raise ConfigError(f"{where} token_file: {path} does not hold one token")
    return token
