"""The manual of the settings: kernel-tuning/README.md, made from the profiles.

``python3 -m appliance.cold.host.manual`` prints it; a test holds the file to that.
"""

import sys
from typing import Final

from appliance.cold.host.profile import Profile, Setting, folder, load, names

_HEAD: Final = """# kernel-tuning

The settings of a host on which the loop keeps its latency, as data: one file a profile.
`appliance check-host` audits a host against one, `../ansible/` puts one in place and takes it
away again, and `python3 -m appliance.cold.host.render` writes its files for whoever does it by
hand. This page is made from the profiles (`python3 -m appliance.cold.host.manual`).

No setting is a promise: measure before and after (`appliance bench --compare`). Figures are in
none of these files, for they would be another machine's.

## How an entry is read

`kind` says how it is set: an option of the kernel's command line, a sysctl, a file of sysfs or
debugfs, a cpuset partition, an interrupt's affinity, huge pages, a rule of udev or of tmpfiles, a
systemd unit; `state` is only looked at. `path` (of a sysctl: its key) is where it is read back,
and `compare` how: as `text`, as sets of `cpus` or a `mask`, `at_least`, the `[chosen]` of
several, one `line` of a file, an `option` of the command line. `{isolated}` and the like are
filled in. `absent` says why it does not apply where there is no such file: then the verdict is
"n/a", never "ok". `reboot`: only the next boot takes it.

Undone all together by `ansible-playbook playbooks/rollback.yml -e rollback_what=tuning`, or by
hand: `/etc/lonecore-host/trial end`, stop `lonecore-tuning` and `lonecore-isolation`, remove the
files, `update-grub`, reboot. The tuned entry by hand: `trial arm` and a reboot try it once,
`trial keep` keeps it; one that nobody has kept after ten minutes is over.
"""
_COLUMNS: Final = ("knob", "set to", "why", "verify", "risk", "undo", "reboot", "source")


def text() -> str:
    parts = [_HEAD]
    for name in sorted(names(), key=lambda one: (one == "stock", one)):
        profile = load(name)
        parts.append(_section(profile, load_own(name, profile)))
    return "\n".join(parts)


def load_own(name: str, profile: Profile) -> list[Setting]:
    """Without those that it extends."""
    own = (folder() / f"{name}.toml").read_text(encoding="utf-8")
    return [one for one in profile.settings if f'id = "{one.id}"' in own]


def _section(profile: Profile, own: list[Setting]) -> str:
    lines = [f"## {profile.name}", "", profile.about[0].upper() + profile.about[1:] + "."]
    if len(own) < len(profile.settings):
        lines.append("Everything of low-latency-runtime below, and:")
    lines += ["", _row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
    lines += [_row(_cells(one)) for one in own]
    return "\n".join([*lines, ""])


def _row(cells: "tuple[str, ...] | list[str]") -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cells(one: Setting) -> list[str]:
    value = one.option or one.value
    shown = f"`{value}`" if value else "nothing"
    verify = f"`{one.read_from}`" if one.read_from else ", ".join(f"`{u}`" for u in one.units)
    if one.compare == "option":
        verify = "`/proc/cmdline`"
    if one.paths:
        verify = "the files of ours"
    return [
        *(f"`{one.id}`", shown, one.why, verify, one.risk, one.undo),
        *("yes" if one.reboot else "no", one.source),
    ]


if __name__ == "__main__":
    sys.stdout.write(text())
