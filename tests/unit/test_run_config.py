"""The configuration of ``appliance run`` (appliance.cold.config_values: of one value)."""

import tomllib
from pathlib import Path

import pytest

from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.run_config import KEYS, BadConfig, check, load

PATH = Path("dir/run.toml")
PAPER = 'mode = "paper"\nmarket = "spot"\nsymbols = ["BTCUSDT"]\n'
LIVE = PAPER.replace("paper", "live")
NUMBERS = {name: key for name, key in KEYS.items() if key.kind is int}


def complaints(text: str) -> list[str]:
    """The lines that a wrong document gets, without the file's name before each."""
    with pytest.raises(BadConfig) as caught:
        check(tomllib.loads(text), PATH)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{PATH}: ") for line in lines), lines
    assert all(line.isprintable() and len(line) < 250 for line in lines), lines
    return [line.removeprefix(f"{PATH}: ") for line in lines]


def complaint(text: str) -> str:
    (line,) = complaints(text)
    return line


def with_key(name: str, value: str, base: str = PAPER) -> str:
    """The base document with ``name``, dotted, set to ``value``."""
    section, _, key = name.rpartition(".")
    return f"{base}[{section}]\n{key} = {value}\n" if section else f"{name} = {value}\n{base}"


def test_the_least_that_is_enough() -> None:
    config = check(tomllib.loads(PAPER), PATH)
    assert (config.mode, config.market, config.symbols) == ("paper", Market.SPOT, ("BTCUSDT",))
    assert config.name == "run"
    assert config.text("strategy.file") == "market_maker"
    assert config.number("session.book_silence_ms") == 1500
    assert config.number("session.rotate_after_min") == 1380
    assert config.text("venue.rest") is None
    assert config.file("risk.file") is None
    assert config.text("session.book_silence_ms") is None


def test_all_that_may_stand_there(tmp_path: Path) -> None:
    path = tmp_path / "usdm.toml"
    path.write_text(
        """
        mode = "live"
        market = "usdm"
        symbols = ["BTCUSDT", "币安人生USDT"]
        name = "usdm-1"
        rings = "huge"
        strategy = {file = "mine.py", params = {lots = 10, free = "text"}}
        risk.file = "sub/risk.toml"
        journal.folder = "/var/lib/journal"
        certificate = {file = "out/certificate.json", key = "trusted.pub"}
        [keys]
        credential = "lonecore-key"
        [venue]
        rest = "http://[::1]:8080/base"
        streams = "wss://127.0.0.1:1"
        orders = "ws://venue.example/ws-api/v3"
        extra_ca = "/etc/ca.pem"
        [session]
        stream_silence_ms = 500
        """
    )
    config = load(path)
    assert (config.market, config.name) == (Market.USDM, "usdm-1")
    assert config.symbols == ("BTCUSDT", "币安人生USDT")
    assert config.values["strategy.params"] == {"lots": 10, "free": "text"}
    assert config.file("risk.file") == tmp_path / "sub" / "risk.toml"
    assert config.file("journal.folder") == Path("/var/lib/journal")
    assert config.file("certificate.file") == tmp_path / "out" / "certificate.json"
    assert (
        config.file("certificate.key") == tmp_path / "trusted.pub" and not config.values["testnet"]
    )
    assert config.file("venue.extra_ca") == Path("/etc/ca.pem")


def test_the_documented_example_is_sound() -> None:
    """The example at the head of the module names every key there is but the rings' folder."""
    from appliance.cold import run_config

    text = (run_config.__doc__ or "").split("::\n", 1)[1].rsplit("Relative paths", 1)[0]
    example = text.replace("    credential", "    # credential")
    assert check(tomllib.loads(example), PATH).values.keys() == KEYS.keys() - {
        "keys.credential",
        "rings",
    }
    assert complaint(text.replace('"paper"', '"live"', 1)) == (
        "keys: live needs either keys.file or keys.credential"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modes = 1\n" + PAPER, "unknown key modes; did you mean mode?"),
        (PAPER + "[session]\nbook_silence = 1\n", "did you mean session.book_silence_ms?"),
        (PAPER + "[session]\nbook_silence_s = 2\n", "did you mean session.book_silence_ms?"),
        (PAPER + "[zzz]\nfoo = 1\n", "unknown key zzz"),
        (PAPER + "[keys]\nsecret = 'abcdef'\n", "unknown key keys.secret"),
        (PAPER + "[venue.rest]\nurl = 'x'\n", "venue.rest = {'url': 'x'}: must be a text"),
        ('"session.book_silence_ms" = 700\n' + PAPER, "unknown key 'session.book_silence_ms'"),
        ('"a\\nb" = 1\n' + PAPER, r"unknown key 'a\nb'"),
        (f"{'long' * 100} = 1\n" + PAPER, "unknown key 'longlong"),
        ("session = 5\n" + PAPER, "session must be a section"),
        (PAPER + "[[venue]]\nrest = 'x'\n", "venue must be a section"),
    ],
)
def test_what_is_not_known(text: str, said: str) -> None:
    assert said in complaint(text)


def test_an_unknown_key_does_not_show_its_value() -> None:
    assert "hunter2" not in complaint(PAPER + "[keys]\npassword = 'hunter2'\n")


@pytest.mark.parametrize("value", ["true", "1.5", "[1]", "{a = 1}", "2026-11-01", "''", "'x'"])
@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_each_number_of_a_wrong_type(name: str, value: str) -> None:
    said = complaint(with_key(name, value))
    assert said.startswith(f"{name} = ") and said.endswith(": must be a whole number")


@pytest.mark.parametrize("value", ["true", "1", "1.5", "['x']", "{a = 1}", "2026-11-01"])
@pytest.mark.parametrize("name", sorted(name for name, key in KEYS.items() if key.kind is str))
def test_each_text_of_a_wrong_type(name: str, value: str) -> None:
    base = PAPER.replace(f"{name} = ", f"# {name} = ")
    said = complaint(with_key(name, value, base))
    assert said.startswith(f"{name} = ") and said.endswith(": must be a text")


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_each_number_out_of_its_bounds(name: str) -> None:
    key = NUMBERS[name]
    for good in (key.least, key.most):
        assert check(tomllib.loads(with_key(name, str(good))), PATH).number(name) == good
    for bad in (key.least - 1, key.most + 1, -(2**70)):
        assert complaint(with_key(name, str(bad))) == (
            f"{name} = {bad}: must be {key.least} to {key.most}"
        )
    assert "must be" in complaint(with_key(name, "0x" + "f" * 9_000))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        # seconds where milliseconds are meant, hours where minutes, a unit in the text
        ("session.stream_silence_ms", "5", "must be 500 to 3600000"),
        ("session.answer_timeout_ms", "2", "must be 100 to 60000"),
        ("session.rotate_after_min", "82800", "must be 1 to 1435"),
        ("session.book_silence_ms", '"1500 ms"', "must be a whole number"),
        ("session.rotate_after_min", "1380.0", "must be a whole number"),
    ],
)
def test_a_wrong_unit(name: str, value: str, said: str) -> None:
    assert said in complaint(with_key(name, value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAPER.replace("paper", "Paper"), "mode = 'Paper': must be 'paper' or 'live'"),
        (PAPER.replace("spot", "futures"), "market = 'futures': must be 'spot' or 'usdm'"),
        (PAPER.replace('["BTCUSDT"]', '"BTCUSDT"'), "symbols = 'BTCUSDT': must be a list"),
        (PAPER.replace('["BTCUSDT"]', "[]"), "symbols: must be a list of names, at least one"),
        (PAPER.replace('["BTCUSDT"]', "['A', 5]"), "symbols: must be a list of names"),
        (PAPER.replace('["BTCUSDT"]', "['A', ['B']]"), "symbols: must be a list of names"),
        (PAPER.replace('["BTCUSDT"]', "['']"), "symbols: must be a list of names"),
        (PAPER.replace('["BTCUSDT"]', '["A\\n"]'), "symbols: must be a list of names"),
        (PAPER.replace('["BTCUSDT"]', "['A', 'B', 'A']"), "symbols: a name stands there twice"),
        ("name = ''\n" + PAPER, "name is empty"),
        ("name = 'a/b'\n" + PAPER, "name = 'a/b': must be 1 to 48 letters"),
        (f"name = '{'n' * 49}'\n" + PAPER, "must be 1 to 48 letters"),
        (PAPER + '[risk]\nfile = "a\\u0000b"\n', "cannot be printed"),
        (PAPER + "[strategy]\nparams = 5\n", "strategy.params = 5: must be a table"),
        (PAPER + f"[strategy]\nparams = '{'x' * 5000}'\n", "must be a table"),
    ],
)
def test_values_that_are_none(text: str, said: str) -> None:
    assert said in complaint(text)


def test_more_symbols_than_instruments() -> None:
    def names(n: int) -> str:
        return PAPER.replace('["BTCUSDT"]', str([f"S{i}" for i in range(n)]))

    assert len(check(tomllib.loads(names(INSTRUMENTS_MAX)), PATH).symbols) == INSTRUMENTS_MAX
    assert f"{INSTRUMENTS_MAX} are possible" in complaint(names(INSTRUMENTS_MAX + 1))


@pytest.mark.parametrize("name", ["rest", "streams", "orders"])
@pytest.mark.parametrize(
    "url",
    [
        *("", "host", "//host", "ftp://host", "ws:host", "ws://", "https://", "https://:443"),
        *("{0}://host:0", "{0}://host:99999", "{0}://host:x", "{0}://[::1", "{0}://h?a=1"),
        *("{0}://h#f", "{0}://ho st", "{0}://name:hunter2@host", "{0}://:hunter2@host"),
    ],
)
def test_each_address_that_is_none(name: str, url: str) -> None:
    scheme = "https" if name == "rest" else "wss"
    said = complaint(with_key(f"venue.{name}", f"'{url.format(scheme)}'"))
    assert said.startswith(f"venue.{name}")
    assert "hunter2" not in said


def test_the_schemes_are_not_mixed_up() -> None:
    assert "http or https" in complaint(with_key("venue.rest", "'wss://host'"))
    assert "ws or wss" in complaint(with_key("venue.orders", "'https://host'"))


@pytest.mark.parametrize("name", ["mode", "market", "symbols"])
def test_each_that_is_missing(name: str) -> None:
    text = "\n".join(line for line in PAPER.splitlines() if not line.startswith(name))
    assert complaint(text) == f"{name} is missing"


RISK = "[risk]\nfile = 'risk.toml'\n"
NO_RISK = "risk.file is missing: live does not start without limits of your own"
JOURNAL = "[journal]\nfolder = 'journal'\n"
NO_JOURNAL = "journal.folder is missing: live does not start without a journal"
NO_KEY = "keys: live needs either keys.file or keys.credential"
NO_CERTIFICATE = "certificate.file is missing: live does not start without a certificate of"
NO_CERTIFICATE += " `appliance backtest --certify`; testnet = true where there is no real money"
CERTIFICATE = "[certificate]\nfile = 'certificate.json'\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", [NO_RISK, NO_JOURNAL, NO_KEY, NO_CERTIFICATE]),
        ("[keys]\nfile = 'key.json'\n", [NO_RISK, NO_JOURNAL, NO_CERTIFICATE]),
        (CERTIFICATE + RISK, [NO_JOURNAL, NO_KEY]),
        (JOURNAL + RISK, [NO_KEY, NO_CERTIFICATE]),
        (CERTIFICATE + JOURNAL + RISK + "[keys]\nfile = 'a'\ncredential = 'b'\n", [NO_KEY]),
    ],
)
def test_live_needs_limits_and_one_key(more: str, said: list[str]) -> None:
    assert complaints(LIVE + more) == said
    assert check(tomllib.loads(PAPER + more), PATH).mode == "paper"


def test_live_with_all_it_needs() -> None:
    for key in ("file", "credential"):
        text = f"{LIVE}{CERTIFICATE}{RISK}{JOURNAL}[keys]\n{key} = 'x'\n"
        config = check(tomllib.loads(text), PATH)
        assert (config.mode, config.text(f"keys.{key}")) == ("live", "x")


def test_all_faults_are_told_at_once() -> None:
    said = complaints(
        """
        mode = "live"
        market = "forex"
        rest = "https://host"
        [session]
        book_silence_ms = 1
        rotate_after = 5
        [venue]
        streams = "https://host"
        """
    )
    assert [line.split()[0] for line in said] == [
        *("unknown", "unknown", "market", "venue.streams", "session.book_silence_ms"),
        *("symbols", "risk.file", "journal.folder", "keys:", "certificate.file"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        *(b"mode = \n", b"[a\n", b"a = 1\na = 2\n", b"# \xff\n", b"\xff\xfe", b"{}", b"a = 1e\n"),
        *(b"x = " + b"[" * 20_000, b"x = " + b"1" * 9_000, bytes(100)),
    ],
    ids=range(10),
)
def test_files_that_are_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ApplianceError) as caught:
        load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: not TOML: ") and line.isprintable(), line


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.toml", "No such file"), (tmp_path, "directory")):
        with pytest.raises(ApplianceError, match=why):
            load(path)
