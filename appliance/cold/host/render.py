"""The files of a profile, as they lie on a host. ``python3 -m appliance.cold.host.render --help``.

Standard library only. What a profile sets at run time is done by one script, which writes down what
was there before and puts it back.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.cold.errors import ApplianceError
from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.profile import USUAL, Cores, Profile, load

_MADE: Final = "# Made from kernel-tuning/{name}.toml. A change here is lost: change it there.\n"
_EXECUTABLE: Final = 0o755
_PLAIN: Final = 0o644

Files = dict[str, tuple[int, str]]  # path below the root: mode, text

_GRUB: Final = """#!/bin/sh
# A second entry, with the tuning: the plain one stays what it was, and is what a failed trial
# boots into.
set -e
. /etc/lonecore/cmdline
export GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX $LONECORE_CMDLINE" GRUB_DISTRIBUTOR=lonecore
export GRUB_DISABLE_SUBMENU=true GRUB_DISABLE_RECOVERY=true
/etc/grub.d/10_linux | sed 's/gnulinux-/lonecore-/g'
"""

_SAVED: Final = """# The saved entry is booted; a trial is set for one boot alone.
GRUB_DEFAULT=saved
"""

_ISOLATION: Final = """[Unit]
Description=Isolated cores of the appliance (cpuset partition)
Requires=appliance.slice
After=appliance.slice

[Service]
Type=oneshot
RemainAfterExit=yes
Slice=appliance.slice
ExecStart=/etc/lonecore/partition isolated
ExecStop=/etc/lonecore/partition member

[Install]
WantedBy=multi-user.target
"""

_PARTITION: Final = """#!/bin/sh
# A refused partition reads "isolated invalid (why)".
file=/sys/fs/cgroup/appliance.slice/cpuset.cpus.partition
echo "$1" > "$file"
read -r now < "$file"
[ "$now" = "$1" ] || { echo "lonecore: the partition is: $now" >&2; exit 1; }
"""

_TUNING: Final = """[Unit]
Description=Host tuning of the appliance
After=systemd-sysctl.service lonecore-isolation.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/lonecore/tuning start
ExecStop=/etc/lonecore/tuning stop

[Install]
WantedBy=multi-user.target
"""

_SCRIPT: Final = """#!/bin/sh
# start: writes each value, and keeps what was there. stop: puts it back, the last one first.
kept=/run/lonecore-tuning
# What a machine does not have, or does not let one choose, is left out; check-host says so.
put() {
    [ -w "$1" ] || return 0
    before=$(cat "$1" 2>/dev/null) || return 0
    case "$before" in *'['*']'*) before=${before#*\\[}; before=${before%%\\]*} ;; esac
    [ "$before" = "$2" ] && return 0
    if printf '%s' "$2" > "$1" 2>/dev/null; then
        printf '%s\\t%s\\n' "$1" "$before" | cat - "$kept" > "$kept.new" && mv "$kept.new" "$kept"
    fi
    return 0
}
case "$1" in
start)
    [ -e "$kept" ] || : > "$kept"
"""

_SCRIPT_END: Final = """    ;;
stop)
    [ -e "$kept" ] || exit 0
    while IFS="$(printf '\\t')" read -r path value; do
        printf '%s' "$value" > "$path" 2>/dev/null || echo "lonecore: $path not restored" >&2
    done < "$kept"
    rm -f "$kept"
    ;;
*)
    echo "usage: $0 start|stop" >&2
    exit 2
    ;;
esac
"""


def files_of(profile: Profile, cores: Cores) -> Files:
    """Every file that the profile puts on a host."""
    made: Files = {}
    made.update(_cmdline(profile, cores))
    made.update(_lists(profile, cores))
    made.update(_units(profile, cores))
    return made


def _head(profile: Profile) -> str:
    return _MADE.format(name=profile.name)


def _wants(text: str, cores: Cores) -> bool:
    return "{hugepages}" not in text or cores.hugepages > 0


def cmdline_of(profile: Profile, cores: Cores) -> str:
    """What the tuned entry has behind the plain one's options."""
    options = [one.option for one in profile.of_kind("cmdline") if _wants(one.option, cores)]
    return " ".join(cores.put_into(option) for option in options)


def _cmdline(profile: Profile, cores: Cores) -> Files:
    if not (options := cmdline_of(profile, cores)):
        return {}
    return {
        "etc/lonecore/cmdline": (_PLAIN, f'{_head(profile)}LONECORE_CMDLINE="{options}"\n'),
        "etc/grub.d/11_lonecore": (_EXECUTABLE, _GRUB),
        "etc/default/grub.d/60-lonecore.cfg": (_PLAIN, _head(profile) + _SAVED),
    }


def _lists(profile: Profile, cores: Cores) -> Files:
    """Files of lines: sysctl, udev, tmpfiles, drop-ins."""
    made: Files = {}
    head = _head(profile)
    if sysctls := profile.of_kind("sysctl"):
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
    written = [
        one for one in profile.of_kind("sysfs", "irq", "hugepages") if _wants(one.value, cores)
    ]
    ids = {one.id for one in profile.settings}
    partitions = [one for one in profile.of_kind("partition") if one.only_without not in ids]
    allowed = f"AllowedCPUs={list_text(cores.isolated)}\n" if partitions else ""
    if profile.of_kind("partition"):
        made["etc/systemd/system/appliance.slice"] = (
            _PLAIN,
            f"{_head(profile)}[Unit]\nDescription=The appliance\n\n[Slice]\n{allowed}",
        )
    if partitions:
        made["etc/systemd/system/lonecore-isolation.service"] = (_PLAIN, _ISOLATION)
        made["etc/lonecore/partition"] = (_EXECUTABLE, _PARTITION)
    if written:
        made["etc/systemd/system/lonecore-tuning.service"] = (_PLAIN, _TUNING)
        made["etc/lonecore/tuning"] = (_EXECUTABLE, _script(profile, cores))
    return made


def _script(profile: Profile, cores: Cores) -> str:
    lines = []
    for one in profile.of_kind("sysfs", "irq", "hugepages"):
        if not _wants(one.value, cores):
            continue
        value = one.compare.partition(":")[2].split(",")[0] or one.value
        lines.append(f"    # {one.why}\n")
        for cpu in sorted(cores.isolated) if one.each else [None]:
            path = cores.put_into(one.path, cpu)
            lines.append(f"    put {path} '{cores.put_into(value, cpu)}'\n")
    housekeeping = list_text(cores.housekeeping)
    lines.append(
        "    # Lines that are there already; those of a queue that belongs to a core refuse.\n"
        "    for line in /proc/irq/[0-9]*/smp_affinity_list; do\n"
        f"        put \"$line\" '{housekeeping}'\n"
        "    done\n"
    )
    return _SCRIPT + "".join(lines) + _SCRIPT_END


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m appliance.cold.host.render",
        description="Writes the files of a profile for a host with these cores.",
    )
    parser.add_argument("--profile", default=USUAL)
    parser.add_argument("--isolated", required=True, metavar="LIST", help="as 2-3")
    parser.add_argument("--housekeeping", required=True, metavar="LIST", help="all others, as 0-1")
    parser.add_argument("--hugepages", type=int, default=0, metavar="N", help="of 2 MB")
    parser.add_argument("--out", required=True, metavar="FOLDER")
    args = parser.parse_args(arguments)
    try:
        cores = Cores(parse_list(args.isolated), parse_list(args.housekeeping), args.hugepages)
        write(files_of(load(args.profile), cores), Path(args.out))
    except (ApplianceError, ValueError) as error:
        print(f"render: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
