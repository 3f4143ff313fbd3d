"""The disk of a Debian 12 machine, built from packages: no installer, no loop device, no mount.

``python -m tests.vm.image`` builds it, or finds it, and prints its folder: ``base.raw``, the
``key`` that its root lets in, and ``root.tar``, its packages as a tree. It is kept under a hash of
this file, so that what is in it is what stands here. Needs root, and the packages of NEEDED on the
machine that builds; with ``--missing`` it names those that are not there.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.vm.calling import NotHere, call

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "build" / "vm"
NEEDED: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "grub-mkimage": "grub-common",
    "sfdisk": "fdisk",
    "mke2fs": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "ssh-keygen": "openssh-client",
}
SUITE: Final = "bookworm"
KERNEL: Final = "linux-image-6.12-cloud-amd64"
PACKAGES: Final = (
    *("systemd-sysv", "udev", "dbus", "openssh-server", "python3", "python3-apt", "grub-pc"),
    *(KERNEL, "initramfs-tools", "zstd", "iproute2", "procps", "kmod", "ethtool", "irqbalance"),
)
DISK_MIB: Final = 3072
PARTITION_MIB: Final = 1  # where the only one begins
DISK_ID: Final = "6d9a8b04-0001-4000-8000-0123456789ab"
GRUB: Final = "usr/lib/grub/i386-pc"
# An emulated processor has nothing to hide, and pays for each switch of page tables; and for each
# page and object that the kernel wipes before it hands it out.
BOOT_LINE: Final = "console=ttyS0 mitigations=off init_on_alloc=0 hardened_usercopy=off audit=0"
MASKED: Final = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service"),
    "getty@tty1.service",
)


def missing() -> list[str]:
    """Packages that this machine does not have."""
    return sorted({package for tool, package in NEEDED.items() if shutil.which(tool) is None})


def image() -> Path:
    """The folder of the image, built if need be. NotHere."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    folder = KEPT / digest
    if packages := missing():
        raise NotHere(f"apt-get install {' '.join(packages)}")
    if (folder / "base.raw").exists():
        return folder
    if os.geteuid() != 0:
        raise NotHere("building the image needs root")
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers want the same
        if not (folder / "base.raw").exists():
            with tempfile.TemporaryDirectory(dir=KEPT) as name:
                _make(Path(name), folder)
    return folder


def _make(work: Path, folder: Path) -> None:
    _build(work)
    made = work / "made"
    made.mkdir()
    for one in ("base.raw", "root.tar", "key", "key.pub"):
        (work / one).rename(made / one)
    made.rename(folder)


def _build(work: Path) -> None:
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key", cwd=work)
    tree = work / "tree"
    _unpack(work, tree)
    _configure(work, tree)
    _make_bootable(work, tree)


def _unpack(work: Path, tree: Path) -> None:
    """Debian's packages as a tree; device nodes are left out, udev makes them."""
    sources = sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))
    sources += [path for path in [Path("/etc/apt/sources.list")] if path.exists()]
    call(
        "mmdebstrap",
        *("--variant=minbase", "--mode=root", "--skip=check/qemu"),
        f"--include={','.join(PACKAGES)}",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *(SUITE, "root.tar", *sources),
        cwd=work,
    )
    tree.mkdir()
    call("tar", "-C", tree, "-xf", "root.tar", "--exclude=./dev/*", cwd=work)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _configure(work: Path, tree: Path) -> None:
    """Name, disk, network, who may come in, and nothing that happens by itself."""
    _write(tree / "root/.ssh/authorized_keys", (work / "key.pub").read_text(), 0o600)
    (tree / "root/.ssh").chmod(0o700)
    _write(tree / "etc/hostname", "appliance\n")
    _write(tree / "etc/hosts", "127.0.0.1 localhost appliance\n")
    _write(tree / "etc/machine-id", "")
    _write(tree / "etc/fstab", f"UUID={DISK_ID} / ext4 defaults,noatime 0 1\n")
    _write(
        tree / "etc/systemd/network/10-dhcp.network",
        "[Match]\nType=ether\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n",
    )
    units = tree / "etc/systemd/system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    (wanted / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")
    # One that a tuning stops and a rollback lets run again; it does nothing.
    installed = tree / "usr/lib/systemd/system"
    _write(installed / "fwupd-refresh.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    _write(
        installed / "fwupd-refresh.timer",
        "[Timer]\nOnCalendar=2100-01-01\n[Install]\nWantedBy=timers.target\n",
    )
    (units / "timers.target.wants").mkdir(exist_ok=True)
    timer = "fwupd-refresh.timer"
    (units / "timers.target.wants" / timer).symlink_to(f"/lib/systemd/system/{timer}")
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    host_key = tree / "etc/ssh/ssh_host_ed25519_key"
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key, cwd=work)
    _write(tree / "etc/ssh/sshd_config.d/test.conf", "UseDNS no\n")
    # Playbooks go before what trades meanwhile: all of it shares two cores, emulated.
    _write(units / "ssh.service.d/first.conf", "[Service]\nNice=-10\n")


def _make_bootable(work: Path, tree: Path) -> None:
    """GRUB in front of one ext4 partition, whose file system is made from the tree."""
    modules = tree / "boot/grub/i386-pc"
    modules.mkdir(parents=True)
    for path in [*(tree / GRUB).glob("*.mod"), *(tree / GRUB).glob("*.lst")]:
        shutil.copy(path, modules)
    _write(
        tree / "etc/default/grub.d/00-vm.cfg",
        f'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX="{BOOT_LINE}"\nGRUB_TERMINAL=serial\n'
        "GRUB_DISABLE_OS_PROBER=true\n",
    )
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    version = kernel.name.removeprefix("vmlinuz-")
    # The first one; update-grub in the machine writes it anew.
    _write(
        tree / "boot/grub/grub.cfg",
        "serial --unit=0 --speed=115200\nterminal_output serial\n"
        f"linux /boot/vmlinuz-{version} root=UUID={DISK_ID} ro {BOOT_LINE} quiet\n"
        f"initrd /boot/initrd.img-{version}\nboot\n",
    )
    call(
        *("grub-mkimage", "-d", tree / GRUB, "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub"),
        *("-o", "core.img", "biosdisk", "part_msdos", "ext2", "normal", "linux", "search"),
        *("search_fs_uuid", "serial", "configfile"),
        cwd=work,
    )
    boot_record, disk = tree / GRUB / "boot.img", work / "base.raw"
    with disk.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    call("sfdisk", "-q", disk, cwd=work, text=f"{PARTITION_MIB * 2048},,L,*\n")
    call(
        # Two features that this GRUB cannot read are off.
        *("mke2fs", "-q", "-t", "ext4", "-F", "-U", DISK_ID),
        *("-O", "^metadata_csum_seed,^orphan_file"),
        *("-E", f"offset={PARTITION_MIB << 20},root_owner=0:0", "-d", tree, disk),
        f"{(DISK_MIB - PARTITION_MIB) * 1024}k",
        cwd=work,
    )
    with disk.open("r+b") as file:
        file.write(boot_record.read_bytes()[:440])
        file.seek(512)
        file.write((work / "core.img").read_bytes())


def main(words: Sequence[str]) -> int:
    if "--missing" in words:
        print(" ".join(missing()))
        return 0
    try:
        print(image())
    except NotHere as reason:
        print(f"no image: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
