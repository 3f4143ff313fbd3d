"""A host against a profile (appliance.cold.host.knobs, appliance.cold.host.profile): each knob of
each profile right, wrong, missing and unreadable, in trees that are made up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.host import profile as profiles
from appliance.cold.host.knobs import Finding, Tree, Verdict, audit
from appliance.cold.host.profile import Cores, Profile, Setting

CORES = Cores(frozenset({2, 3}), frozenset({0, 1}), hugepages=64)
PROFILES = {name: profiles.load(name) for name in profiles.names()}
KNOBS = [
    (name, setting.id)
    for name, profile in PROFILES.items()
    for setting in profile.settings
    if not (setting.only_without and name == "low-latency")
]


def setting_of(name: str, knob: str) -> Setting:
    return next(one for one in PROFILES[name].settings if one.id == knob)


class Made:
    """A tree in which the knobs of a profile are right."""

    def __init__(self, root: Path, profile: Profile) -> None:
        self.root, self.profile = root, profile
        self.put("/proc/cpuinfo", "flags : fpu constant_tsc nonstop_tsc\n")
        options = [CORES.put_into(one.option) for one in profile.of_kind("cmdline")]
        self.put("/proc/cmdline", " ".join(["quiet", *options]) + "\n")
        for setting in profile.settings:
            if setting.needs:
                self.put(setting.needs, "")
            if setting.kind == "service":
                for unit in setting.units:
                    self.mask(unit)
            elif setting.compare not in ("none_exists", "option"):
                for path in self.paths(setting):
                    self.put(path, self.right(setting) + "\n")

    def paths(self, setting: Setting) -> list[str]:
        if setting.compare == "option":
            return ["/proc/cmdline"]
        cpus = sorted(CORES.isolated) if setting.each else [None]
        return [CORES.put_into(setting.read_from, cpu) for cpu in cpus]

    def right(self, setting: Setting) -> str:
        value = CORES.put_into(setting.value)
        compare, _, more = setting.compare.partition(":")
        return {
            "chosen": f"always madvise [{value}]",
            "one_of": more.split(",")[0],
            "line": f"[Service]\n{value}",
            "no_rows": "Filename Type Size Used Priority",
            "option": CORES.put_into(setting.option),
        }.get(compare, value)

    def put(self, path: str, text: str) -> None:
        at = self.root / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)

    def mask(self, unit: str) -> None:
        self.put(f"/lib/systemd/system/{unit}", "[Unit]\n")
        at = self.root / "etc/systemd/system" / unit
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to("/dev/null")

    def unmask(self, unit: str) -> None:
        (self.root / "etc/systemd/system" / unit).unlink()
        self.put(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs", "1\n")

    def remove(self, path: str) -> None:
        (self.root / path.lstrip("/")).unlink()

    def found(self, knob: str) -> list[Finding]:
        all_found = audit(self.profile, CORES, Tree(self.root))
        return [one for one in all_found if one.knob.split()[0] == knob]


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Made]:
    return lambda name: Made(tmp_path, PROFILES[name])


def test_there_are_profiles() -> None:
    assert set(PROFILES) == {"low-latency", "low-latency-runtime", "stock"}
    assert (
        len(PROFILES["low-latency"].settings) > len(PROFILES["low-latency-runtime"].settings) > 25
    )


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_right(made: Callable[[str], Made], name: str, knob: str) -> None:
    found = made(name).found(knob)
    assert found and {one.verdict for one in found} == {Verdict.OK}, found
    assert all(one.mend == "" for one in found)


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_wrong(made: Callable[[str], Made], name: str, knob: str) -> None:
    setting, host = setting_of(name, knob), made(name)
    if setting.compare == "exists":
        return  # it has no value that could be wrong
    if setting.kind == "service":
        for unit in setting.units:
            host.unmask(unit)
    elif setting.compare == "none_exists":
        host.put(setting.paths[0], "left behind\n")
    elif setting.compare == "option":
        host.put("/proc/cmdline", f"quiet {setting.option.partition('=')[0]}=7,9\n")
    else:
        wrong = {"cpus": "1", "mask": "f", "at_least": "1", "no_rows": "a\nb"}
        for path in host.paths(setting):
            host.put(path, wrong.get(setting.compare, "77") + "\n")
    found = host.found(knob)
    bad = [one for one in found if one.verdict is Verdict.WRONG]
    assert bad and len(bad) == (1 if setting.compare == "none_exists" else len(found)), found
    for one in bad:
        assert one.mend and "{" not in one.mend and one.reboot == setting.reboot
        assert "{" not in one.wanted


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_missing(made: Callable[[str], Made], name: str, knob: str) -> None:
    """What a machine does not have is not applicable, with the reason; never a pass."""
    setting, host = setting_of(name, knob), made(name)
    if setting.compare == "none_exists":
        return
    if setting.kind == "service":
        for unit in setting.units:
            host.remove(f"/etc/systemd/system/{unit}")
            host.remove(f"/lib/systemd/system/{unit}")
        assert {one.verdict for one in host.found(knob)} == {Verdict.NOT_APPLICABLE}
        return
    for path in host.paths(setting):
        host.remove(path)
    for one in host.found(knob):
        if setting.absent and setting.compare != "option":
            assert (one.verdict, one.found) == (Verdict.NOT_APPLICABLE, setting.absent)
        else:
            assert one.verdict is Verdict.MISSING and "is not there" in one.found and one.mend


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_unreadable(made: Callable[[str], Made], name: str, knob: str) -> None:
    """A folder in its place: nobody can read that, whoever he is."""
    setting, host = setting_of(name, knob), made(name)
    if setting.kind == "service" or setting.compare in ("none_exists", "exists"):
        return
    for path in host.paths(setting):
        host.remove(path)
        (host.root / path.lstrip("/")).mkdir()
    found = host.found(knob)
    assert found and {one.verdict for one in found} == {Verdict.UNREADABLE}
    assert all("Is a directory" in one.found and one.mend == "run it as root" for one in found)


def test_nonsense_is_wrong_and_no_traceback(made: Callable[[str], Made]) -> None:
    host = made("low-latency")
    for path in ("/sys/devices/system/cpu/isolated", "/proc/sys/net/core/rmem_max"):
        host.put(path, "what?\x00\n")
    for knob in ("isolcpus", "rmem_max"):
        assert [one.verdict for one in host.found(knob)] == [Verdict.WRONG]


def test_what_does_not_apply(made: Callable[[str], Made], tmp_path: Path) -> None:
    host = made("low-latency")
    (partition,) = host.found("cpuset_partition")
    assert partition.verdict is Verdict.NOT_APPLICABLE and "isolcpus does it" in partition.found
    host.put("/proc/cpuinfo", "flags : fpu\n")
    (tsc,) = host.found("tsc")
    assert tsc.verdict is Verdict.NOT_APPLICABLE and "at one rate" in tsc.found
    host.remove("/usr/sbin/irqbalance")
    (irqbalance,) = host.found("irqbalance")
    assert irqbalance.verdict is Verdict.NOT_APPLICABLE
    none = Cores(CORES.isolated, CORES.housekeeping)
    found = audit(PROFILES["low-latency"], none, Tree(tmp_path))
    pages = [one for one in found if one.knob in ("hugepages", "boot_hugepages")]
    assert {one.found for one in pages} == {"no huge pages were asked for"} and len(pages) == 2


def test_the_last_option_counts(made: Callable[[str], Made]) -> None:
    host = made("low-latency")
    host.put("/proc/cmdline", "skew_tick=0 rcu_nocbs=2-3 skew_tick=1 irqaffinity=0-1 irqaffinity=0")
    verdicts = {k: host.found(k)[0].verdict for k in ("skew_tick", "rcu_nocbs", "irqaffinity")}
    assert verdicts == {
        "skew_tick": Verdict.OK,
        "rcu_nocbs": Verdict.OK,
        "irqaffinity": Verdict.WRONG,
    }


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_every_entry_is_complete(name: str, knob: str) -> None:
    setting = setting_of(name, knob)
    for text in (setting.why, setting.source, setting.risk, setting.undo, setting.how_to_mend()):
        assert text and text == text.strip()
    assert setting.read_from or setting.paths or setting.units or setting.compare == "option"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[setting]]\nid = 'a'\nkind = 'sysctl'\n", "a: "),
        ("[[setting]]\nid = 'a'\nnonsense = 1\n", "unknown key nonsense"),
        ("x = [", "not TOML"),
        ('extends = "none"\n', "no profile 'none'"),
    ],
)
def test_profiles_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ApplianceError, match=said):
        profiles.load("mine", tmp_path)
