"""What `sidecar run` is told (sidecar.run_config): one clear line for whatever is wrong."""

import textwrap
from pathlib import Path

import pytest

from sidecar import run_config
from sidecar.run_config import MEGABYTE, ConfigError, load

GOOD = """
regions = ["live"]
[spool]
folder = "spool"
megabytes_max = 100
[influx]
url = "http://127.0.0.1:8086"
bucket = "lonecore"
org = "desk"
token_file = "token"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    return tmp_path


def of(folder: Path, text: str):
    (folder / "sidecar.toml").write_text(text)
    return load(folder / "sidecar.toml")


def test_a_whole_file(folder: Path) -> None:
    config = of(folder, GOOD)
    assert config.spool_folder == folder / "spool" and config.spool_bytes_max == 100 * MEGABYTE
    assert config.regions == ("live",) and config.target is not None
    assert (config.target.token, config.target.org) == ("secret", "desk")
    assert (config.target.api, config.target.ca_file) == ("v2", None)


def test_the_example_of_the_documentation(folder: Path) -> None:
    text = (run_config.__doc__ or "").split("::\n", 1)[1]
    for name in ("influx.token", "grafana.token"):
        (folder / name).write_text("t")
        (folder / name).chmod(0o600)
    (folder / "ca.pem").write_text("x")
    config = of(folder, textwrap.dedent(text))
    assert config.target is not None and config.target.ca_file == str(folder / "ca.pem")
    assert config.spool_folder == Path("/var/lib/lonecore/spool")
    assert config.grafana is not None and config.grafana.token == "t"
    assert config.recordings_folder == Path("/var/lib/lonecore/recordings")
    assert config.recordings_bytes_max == 8192 * MEGABYTE
    assert config.journals == (Path("/var/lib/lonecore/journal/live.journal"),)
    assert config.journal_copies == Path("/mnt/backup/lonecore")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[recorder]\nmegabytes_max = 63", "63 is neither 0 nor 64 to 1048576"),
        ("[recorder]\nfolders = 'x'", "did you mean folder?"),
        ("[journal]\nfiles = ['a.journal']", "files and copy_to are both needed"),
        ("[journal]\ncopy_to = 'b'", "files and copy_to are both needed"),
        ("[journal]\ncopy_to = 'b'\nfiles = ['a.txt']", "a journal's name ends with .journal"),
        ("[journal]\ncopy_to = 'b'\nfiles = ['b/a.journal']", "where a.journal itself lies"),
        ("[journal]\ncopy_to = 'b'\nfiles = ['c/a.journal', 'd/a.journal']", "two of one name"),
    ],
)
def test_recorder_and_journal(folder: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"sidecar\.toml: ") as caught:
        of(folder, GOOD + more)
    assert said in str(caught.value)


def test_nothing_is_recorded(folder: Path) -> None:
    assert of(folder, GOOD + "[recorder]\nmegabytes_max = 0").recordings_bytes_max == 0


def test_nothing_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load(None)
    assert config.target is None and config.regions == ()
    assert config.spool_folder == tmp_path / ".local/state/lonecore/spool"
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert load(None).spool_folder == Path("/x/lonecore/spool")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/lonecore:/other")
    assert load(None).spool_folder == Path("/var/lib/lonecore/spool")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[spool]", "[spol]", "unknown key spol (did you mean spool?)"),
        ("folder =", "foder =", "[spool] unknown key foder (did you mean folder?)"),
        ("folder =", "zzz =", "unknown key zzz; there are folder, megabytes_max"),
        ("100", '"100"', "[spool] megabytes_max: '100' is no whole number"),
        ("100", "true", "is no whole number"),
        ("100", "15", "15 is not 16 to 1048576"),
        ('["live"]', '"live"', "regions: 'live' is no list"),
        ('["live"]', "[5]", "each must be a name"),
        ('url = "http://127.0.0.1:8086"', "", "[influx] url is missing"),
        ("http://", "ftp://", "does not begin with http:// or https://"),
        ('bucket = "lonecore"', 'bucket = ""', "bucket is missing"),
        ('org = "desk"', "", 'org is missing; a server of 1.x wants api = "v1"'),
        ('org = "desk"', 'api = "v3"', "'v3' is neither"),
        ('"token"', '"nothing"', "cannot read"),
        ('org = "desk"', 'org = "desk"\nca_file = "nothing"', "ca_file: there is no"),
        ("[spool]", "[spool", "is not TOML"),
    ],
)
def test_what_is_wrong(folder: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        of(folder, GOOD.replace(old, new))
    text = str(caught.value)
    assert said in text and "\n" not in text and "sidecar.toml" in text


def test_a_token_that_others_may_read_or_that_is_none(folder: Path) -> None:
    (folder / "token").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        of(folder, GOOD)
    (folder / "token").chmod(0o600)
    for content in ("", "two tokens"):
        (folder / "token").write_text(content)
        with pytest.raises(ConfigError, match="does not hold one token"):
            of(folder, GOOD)


def test_a_token_that_systemd_lends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its group bits are the mask of an access list."""
    (folder / "token").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    target = of(folder, GOOD).target
    assert target is not None and target.token == "secret"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "other"))
    with pytest.raises(ConfigError, match="chmod 600"):
        of(folder, GOOD)


def test_files_that_cannot_be_read(folder: Path) -> None:
    (folder / "latin.toml").write_bytes(b"# \xff")
    for name in ("latin.toml", "nothing.toml", ""):
        with pytest.raises(ConfigError, match="cannot read"):
            load(folder / name)
