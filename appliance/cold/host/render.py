"""The files of a profile, as they lie on a host. ``python3 -m appliance.cold.host.render --help``.

Standard library only. What a profile sets at run time is done by one script, which writes down what
was there before and puts it back.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from appliance.cold.errors import ApplianceError
from appliance.cold.host import texts
from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.machine import checked
from appliance.cold.host.profile import USUAL, Cores, Profile, load, names

_MADE: Final = "# Made from kernel-tuning/{name}.toml. A change here is lost: change it there.\n"
_EXECUTABLE: Final = 0o755
_PLAIN: Final = 0o644

_OPTION: Final = re.compile(r"[A-Za-z0-9_.,:=/+-]+")

Files = dict[str, tuple[int, str]]  # path below the root: mode, text


def files_of(profile: Profile, cores: Cores, options: Sequence[str] = ()) -> Files:
    """Every file that the profile puts on a host; ``options`` of the command line besides."""
    made: Files = {}
    made.update(_cmdline(profile, cores, options))
    made.update(_lists(profile, cores))
    made.update(_units(profile, cores))
    return made


def _head(profile: Profile) -> str:
    return _MADE.format(name=profile.name)


def _wants(text: str, cores: Cores) -> bool:
    return "{hugepages}" not in text or cores.hugepages > 0


def cmdline_of(profile: Profile, cores: Cores, more: Sequence[str] = ()) -> str:
    """What the tuned entry has behind the plain one's options; "": it has none."""
    options = [one.option for one in profile.of_kind("cmdline") if _wants(one.option, cores)]
    if not options:
        return ""
    return " ".join([*(cores.put_into(option) for option in options), *more])


def _cmdline(profile: Profile, cores: Cores, more: Sequence[str]) -> Files:
    if not (options := cmdline_of(profile, cores, more)):
        return {}
    return {
        "etc/lonecore-host/cmdline": (_PLAIN, f'{_head(profile)}LONECORE_CMDLINE="{options}"\n'),
        "etc/grub.d/11_lonecore": (_EXECUTABLE, texts.GRUB),
        "etc/default/grub.d/60-lonecore.cfg": (_PLAIN, _head(profile) + texts.SAVED),
        "etc/lonecore-host/trial": (_EXECUTABLE, texts.TRIAL),
        "etc/systemd/system/lonecore-trial.service": (_PLAIN, texts.TRIAL_SERVICE),
        "etc/systemd/system/lonecore-trial.timer": (_PLAIN, texts.TRIAL_TIMER),
    }


def _lists(profile: Profile, cores: Cores) -> Files:
    """Files of lines: sysctl, udev, tmpfiles, drop-ins."""
    made: Files = {}
    head = _head(profile)
    # What has to be so much at least is left to the script: here it could make it less.
    if sysctls := [one for one in profile.of_kind("sysctl") if one.compare != "at_least"]:
        # "-": a key that this kernel does not have is no failure.
        lines = [f"# {s.why}\n-{s.key} = {cores.put_into(s.value)}\n" for s in sysctls]
        made["etc/sysctl.d/50-lonecore.conf"] = (_PLAIN, head + "".join(lines))
    if rules := profile.of_kind("udev"):
        made["etc/udev/rules.d/60-lonecore.rules"] = (
            _PLAIN,
            head + "".join(f"# {s.why}\n{s.value}\n" for s in rules),
        )
    if folders := profile.of_kind("tmpfiles"):
        made["etc/tmpfiles.d/lonecore.conf"] = (
            _PLAIN,
            head + "".join(f"# {s.why}\n{s.value}\n" for s in folders),
        )
    for setting in profile.of_kind("file"):
        made[setting.path.lstrip("/")] = (
            _PLAIN,
            f"{head}# {setting.why}\n[Service]\n{cores.put_into(setting.value)}\n",
        )
    return made


def _units(profile: Profile, cores: Cores) -> Files:
    made: Files = {}
    written = profile.of_kind("sysctl", "sysfs", "irq", "hugepages")
    ids = {one.id for one in profile.settings}
    partitions = [one for one in profile.of_kind("partition") if one.only_without not in ids]
    allowed = f"AllowedCPUs={list_text(cores.isolated)}\n" if partitions else ""
    if profile.of_kind("partition"):
        made["etc/systemd/system/appliance.slice"] = (
            _PLAIN,
            f"{_head(profile)}[Unit]\nDescription=The appliance\n\n[Slice]\n{allowed}",
        )
    if partitions:
        made["etc/systemd/system/lonecore-isolation.service"] = (_PLAIN, texts.ISOLATION)
        made["etc/lonecore-host/partition"] = (_EXECUTABLE, texts.PARTITION)
    if written:
        made["etc/systemd/system/lonecore-tuning.service"] = (_PLAIN, texts.TUNING)
        made["etc/lonecore-host/tuning"] = (_EXECUTABLE, _script(profile, cores))
    return made


def _script(profile: Profile, cores: Cores) -> str:
    lines = []
    for one in profile.of_kind("sysctl", "sysfs", "irq", "hugepages"):
        if not _wants(one.value, cores):
            continue
        put = "put_at_least" if one.compare == "at_least" else "put"
        value = one.compare.partition(":")[2].split(",")[0] or one.value
        lines.append(f"    # {one.why}\n")
        for cpu in sorted(cores.isolated) if one.each else [None]:
            path = cores.put_into(one.read_from, cpu)
            lines.append(f"    {put} {path} '{cores.put_into(value, cpu)}'\n")
    housekeeping = list_text(cores.housekeeping)
    lines.append(
        "    # Lines that are there already; those of a queue that belongs to a core refuse.\n"
        "    for line in /proc/irq/[0-9]*/smp_affinity_list; do\n"
        f"        put \"$line\" '{housekeeping}'\n"
        "    done\n"
    )
    return texts.SCRIPT + "".join(lines) + texts.SCRIPT_END


def write(files: Files, folder: Path) -> None:
    """Below ``folder``. ApplianceError: it cannot be written."""
    try:
        for name, (mode, text) in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(mode)
    except OSError as error:
        raise ApplianceError(f"{error.filename}: {error.strerror}") from None


def listed(profile: Profile, cores: Cores, more: Sequence[str] = ()) -> dict[str, Any]:
    """What a tool needs to put the profile on a host, and to take it away again."""
    made = files_of(profile, cores, more)
    units = [Path(name).name for name in made]
    services = ("lonecore-isolation.service", "lonecore-tuning.service", "lonecore-trial.timer")
    return {
        "files": [
            {"path": name, "mode": f"{mode:04o}", "text": text}
            for name, (mode, text) in made.items()
        ],
        "folders": sorted(
            {str(Path(name).parent) for name in made} - set(_FOLDERS_OF_OTHERS)
            | {"var/lib/lonecore-host"}
        ),
        "options": cmdline_of(profile, cores, more).split(),
        "services": [name for name in services if name in units],
        "masked": [
            unit for s in profile.of_kind("service") if s.value == "masked" for unit in s.units
        ],
        "own": own_paths(cores),
    }


_FOLDERS_OF_OTHERS: Final = (
    *("etc/sysctl.d", "etc/tmpfiles.d", "etc/udev/rules.d", "etc/grub.d", "etc/systemd/system"),
)


def own_paths(cores: Cores) -> list[str]:
    """Files and folders that are ours alone, of whatever profile, folders last."""
    paths: dict[str, None] = {}
    for name in names():
        paths |= dict.fromkeys(f"/{path}" for path in files_of(load(name), cores))
    return [
        *paths,
        "/etc/systemd/system/irqbalance.service.d",
        "/etc/lonecore-host",
    ]


def _options(text: str) -> list[str]:
    """They go into a shell's variable as they are. ApplianceError."""
    words = text.split()
    if bad := [word for word in words if not _OPTION.fullmatch(word)]:
        raise ApplianceError(f"--options: {bad[0]!r} is no option of a kernel")
    return words


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m appliance.cold.host.render",
        description="Writes the files of a profile for a host with these cores.",
    )
    add = parser.add_argument
    add("--profile", default=USUAL)
    add("--isolated", required=True, metavar="LIST", help="as 2-3")
    add("--online", required=True, metavar="LIST", help="all that the host has, as 0-3")
    add("--siblings", default="", metavar="LIST;LIST", help="hyper-threads, as 0,4;1,5")
    add("--hugepages", type=int, default=0, metavar="N", help="of 2 MB")
    add("--options", default="", metavar="TEXT", help="of the kernel's command line, besides")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", metavar="FOLDER", help="write them below it")
    where.add_argument("--list", action="store_true", help="print them as JSON")
    args = parser.parse_args(arguments)
    try:
        together = [parse_list(text) for text in args.siblings.split(";") if text]
        isolated, there = parse_list(args.isolated), parse_list(args.online)
        cores = checked(isolated, there, together, args.hugepages)
        profile = load(args.profile)
        more = _options(args.options)
        if args.list:
            print(json.dumps(listed(profile, cores, more)))
        else:
            write(files_of(profile, cores, more), Path(args.out))
    except (ApplianceError, ValueError) as error:
        print(f"render: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
