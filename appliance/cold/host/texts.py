"""What the files of a profile are made of: units, scripts, the entry of the boot menu."""

from typing import Final

GRUB: Final = """#!/bin/sh
# A second entry, with the tuning: the plain one stays what it was, and is what a failed trial
# boots into.
set -e
. /etc/lonecore/cmdline
export GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX $LONECORE_CMDLINE" GRUB_DISTRIBUTOR=lonecore
export GRUB_DISABLE_SUBMENU=true GRUB_DISABLE_RECOVERY=true
/etc/grub.d/10_linux | sed 's/gnulinux-/lonecore-/g'
"""

SAVED: Final = """# The saved entry is booted; a trial is set for one boot alone.
GRUB_DEFAULT=saved
"""

ISOLATION: Final = """[Unit]
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

PARTITION: Final = """#!/bin/sh
# A refused partition reads "isolated invalid (why)".
file=/sys/fs/cgroup/appliance.slice/cpuset.cpus.partition
echo "$1" > "$file"
read -r now < "$file"
[ "$now" = "$1" ] || { echo "lonecore: the partition is: $now" >&2; exit 1; }
"""

TUNING: Final = """[Unit]
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

SCRIPT: Final = r"""#!/bin/sh
# start: writes each value, and keeps what was there before the first start of all. stop: puts it
# back, the last one first.
folder=/var/lib/lonecore
kept=$folder/host-before
# What a machine does not have, or does not let one choose, is left out; check-host says so.
put() {
    [ -w "$1" ] || return 0
    before=$(cat "$1" 2>/dev/null) || return 0
    case "$before" in *'['*']'*) before=${before#*\[}; before=${before%%\]*} ;; esac
    [ "$before" = "$2" ] && return 0
    if printf '%s' "$2" > "$1" 2>/dev/null; then
        grep -q "^$1 " "$kept" && return 0
        printf '%s %s\n' "$1" "$before" | cat - "$kept" > "$kept.new" && mv "$kept.new" "$kept"
    fi
    return 0
}
put_at_least() {
    [ "$(cat "$1" 2>/dev/null || echo "$2")" -ge "$2" ] || put "$1" "$2"
}
case "$1" in
start)
    mkdir -p "$folder"
    [ -e "$kept" ] || : > "$kept"
"""

SCRIPT_END: Final = r"""    ;;
stop)
    [ -e "$kept" ] || exit 0
    while read -r path value; do
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
