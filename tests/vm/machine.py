"""A machine of the image, under QEMU: booted, spoken to over ssh, ended by its own monitor.

Emulated in software unless VM_ACCEL=auto finds a KVM that works: /dev/kvm alone proves nothing.
It is cut off from every network; one port of loopback leads to its ssh.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.vm.calling import NotHere
from tests.vm.image import image

BOOT_S: Final = 420
TRIES: Final = 4  # of a boot that may panic
CORES: Final = 4
MEMORY_MIB: Final = 2048
# single: emulated in turns; a core that spins takes its turn whole, and what speaks to it waits.
# multi: a thread a core; one boot in some panics or hangs, so it is not for a boot that is tested.
# There the loop's core, which is never idle, leaves time of this machine to the others.
EMULATED: Final = "tcg,thread={threads},tb-size=512"
LOOP_NICE: Final = 5
# A key exchange takes seconds there. What a test asks in a row shares one connection, which is gone
# by itself before a playbook has rebooted the machine.
SHARED_S: Final = 15
PROCESSOR: Final = "Nehalem"  # of those that are emulated, the one that keeps a stable counter


def accelerator(threads: str) -> str:
    has_module = any(Path(f"/sys/module/{name}").exists() for name in ("kvm_intel", "kvm_amd"))
    wants = os.environ.get("VM_ACCEL", "tcg")
    return (
        "kvm"
        if wants == "auto" and has_module and Path("/dev/kvm").exists()
        else EMULATED.format(threads=threads)
    )


class Machine:
    """``with Machine(folder) as machine``; its disk is a layer over the image's, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._image = image()
        self.serial = folder / "serial.log"
        self._monitor = folder / "monitor"
        self.key = folder / "key"

    def __enter__(self) -> Self:
        shutil.copy(self._image / "key", self.key)
        self.key.chmod(0o600)
        disk = self._disk = self.folder / "disk.qcow2"
        base = self._image / "base.raw"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", disk], check=True
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._start("single")
        self.wait_for_ssh()
        return self

    def restart(self, threads: str) -> None:
        """Off, and on again, emulated another way. NotHere: it does not come up however often."""
        self.ssh("systemctl --force poweroff")  # no service of it is needed again
        subprocess.run([*self._ssh, "-O", "exit"], capture_output=True, check=False)
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._end()
        for last in range(TRIES - 1, -1, -1):
            self._start(threads)
            try:
                self.wait_for_ssh(BOOT_S / 2)
                self._lower(f"CPU {CORES - 1}/TCG")
                return
            except NotHere:
                self._end()
                if not last:
                    raise

    def _lower(self, thread: str) -> None:
        """The priority of one of QEMU's threads, if it has it."""
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == thread:
                os.setpriority(os.PRIO_PROCESS, int(task.name), LOOP_NICE)

    def _start(self, threads: str) -> None:
        words = [
            *("qemu-system-x86_64", "-accel", accelerator(threads), "-cpu", PROCESSOR),
            *("-machine", "q35,usb=off", "-smp", str(CORES), "-m", str(MEMORY_MIB)),
            *("-display", "none", "-vga", "none", "-nodefaults", "-name", "vm,debug-threads=on"),
            *("-drive", f"file={self._disk},if=virtio,cache=unsafe,discard=unmap"),
            *("-device", "virtio-rng-pci", "-device", "virtio-net-pci,netdev=n0"),
            *("-netdev", f"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
            *("-serial", f"file:{self.serial}"),
            *("-monitor", f"unix:{self._monitor},server,nowait"),
        ]
        log = (self.folder / "qemu.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)

    @property
    def ssh_options(self) -> list[str]:
        return [
            *("-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10"),
            *("-o", "LogLevel=ERROR"),
        ]

    @property
    def _ssh(self) -> list[str]:
        shared = ("-o", "ControlMaster=auto", "-o", f"ControlPersist={SHARED_S}")
        path = ("-o", f"ControlPath={self.folder}/ssh")
        address = ("-p", str(self.port), "root@127.0.0.1")
        return ["ssh", *self.ssh_options, *shared, *path, *address]

    def ssh(self, command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """A command of root's."""
        return subprocess.run(
            [*self._ssh, command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def says(self, command: str, timeout_s: float = 120) -> str:
        """What it prints; AssertionError if it fails."""
        done = self.ssh(command, timeout_s)
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.strip()

    def send(self, source: Path, target: str, *tar_options: str) -> None:
        """A folder's content, as one archive."""
        pack_words = ["tar", "-C", source, *tar_options, "-cf", "-", "."]
        pack = subprocess.Popen(pack_words, stdout=subprocess.PIPE)
        unpack = f"mkdir -p {target} && tar -C {target} -xf -"
        with pack:
            subprocess.run([*self._ssh, unpack], stdin=pack.stdout, check=True, timeout=240)

    def wait_for_ssh(self, timeout_s: float = BOOT_S) -> None:
        """NotHere: it does not come up; the end of what it wrote to its serial line."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise NotHere(f"qemu ended: {(self.folder / 'qemu.log').read_text()[-800:]}")
            try:
                if self.ssh("true", 20).returncode == 0:
                    return
            except subprocess.TimeoutExpired:
                pass
            time.sleep(1)
        told = self.serial.read_text(errors="replace")[-1500:] if self.serial.exists() else ""
        raise NotHere(f"no ssh after {timeout_s:.0f} s: {told}")
