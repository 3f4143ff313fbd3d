"""What the files of a profile are made of: units, scripts, the entry of the boot menu."""

from typing import Final

GRUB: Final = """#!/bin/sh
# A second entry, with the tuning: the plain one stays what it was, and is what a failed trial
# boots into.
set -e
. /etc/lonecore-host/cmdline
export GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX $LONECORE_CMDLINE" GRUB_DISTRIBUTOR=lonecore
export GRUB_DISABLE_SUBMENU=true GRUB_DISABLE_RECOVERY=true
/etc/grub.d/10_linux | sed 's/gnulinux-/lonecore-/g'
"""

SAVED: Final = """# The saved entry is booted; a trial is set for one boot alone.
GRUB_DEFAULT=saved
"""

TRIAL: Final = r"""#!/bin/sh
# The tuned entry of the boot menu: once, and for good when somebody has seen that it works.
#   arm   the next boot is the tuned entry, the one after that what it always was
#   keep  the tuned entry from now on
#   once  the next boot is what it always was, the one after that the tuned entry again
#   due   a trial that nobody has kept is over (lonecore-trial.timer)
#   end   what it always was, from now on
set -e
folder=/var/lib/lonecore-host
environment=/boot/grub/grubenv
. /etc/lonecore-host/cmdline
entry() {
    grep -o "lonecore-[^']*" /boot/grub/grub.cfg | head -n 1
}
value() {
    grub-editenv - list | sed -n "s/^$1=//p"
}
is_tuned() {
    case " $(cat /proc/cmdline) " in *" $LONECORE_CMDLINE "*) ;; *) return 1 ;; esac
}
# What the boot menu chose before there was anything of ours.
plain() {
    GRUB_DEFAULT=0
    for file in /etc/default/grub /etc/default/grub.d/*.cfg; do
        case "$file" in */60-lonecore.cfg) continue ;; esac
        if [ -r "$file" ]; then . "$file"; fi
    done
    if [ "$GRUB_DEFAULT" = saved ]; then
        GRUB_DEFAULT=$(cat "$folder/saved-entry")
    fi
    echo "${GRUB_DEFAULT:-0}"
}
case "$1" in
arm)
    id=$(entry)
    if [ -z "$id" ]; then echo "lonecore: no tuned entry in the boot menu" >&2; exit 1; fi
    mkdir -p "$folder"
    if [ ! -e "$folder/saved-entry" ]; then
        if [ ! -e "$environment" ]; then : > "$folder/environment-is-ours"; fi
        value saved_entry > "$folder/saved-entry"
    fi
    grub-editenv - set "saved_entry=$(plain)" lonecore_trial=1 "next_entry=$id"
    ;;
keep)
    is_tuned || { echo "lonecore: this is not the tuned entry" >&2; exit 1; }
    grub-editenv - set "saved_entry=$(entry)"
    grub-editenv - unset lonecore_trial next_entry
    ;;
once)
    grub-editenv - set "next_entry=$(plain)"
    ;;
due)
    [ "$(value lonecore_trial)" = 1 ] || exit 0
    grub-editenv - unset lonecore_trial
    if is_tuned; then systemctl --no-block reboot; fi
    ;;
end)
    [ -e "$folder/saved-entry" ] || exit 0
    grub-editenv - unset lonecore_trial next_entry saved_entry
    saved=$(cat "$folder/saved-entry")
    if [ -n "$saved" ]; then grub-editenv - set "saved_entry=$saved"; fi
    if [ -e "$folder/environment-is-ours" ]; then rm -f "$environment"; fi
    rm -f "$folder/saved-entry" "$folder/environment-is-ours"
    ;;
*)
    echo "usage: $0 arm|keep|once|due|end" >&2
    exit 2
    ;;
esac
"""

TRIAL_SERVICE: Final = """[Unit]
Description=End of a trial boot that nobody has kept

[Service]
Type=oneshot
ExecStart=/etc/lonecore-host/trial due
"""

TRIAL_TIMER: Final = """[Unit]
Description=A trial boot has ten minutes to be kept

[Timer]
OnBootSec=10min

[Install]
WantedBy=timers.target
"""

ISOLATION: Final = """[Unit]
Description=Isolated cores of the appliance (cpuset partition)
Requires=appliance.slice
After=appliance.slice

[Service]
Type=oneshot
RemainAfterExit=yes
Slice=appliance.slice
ExecStart=/etc/lonecore-host/partition isolated
ExecStop=/etc/lonecore-host/partition member

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
ExecStart=/etc/lonecore-host/tuning start
ExecStop=/etc/lonecore-host/tuning stop

[Install]
WantedBy=multi-user.target
"""

SCRIPT: Final = r"""#!/bin/sh
# start: writes each value, and keeps what was there before the first start of all. stop: puts it
# back, the last one first.
folder=/var/lib/lonecore-host
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
