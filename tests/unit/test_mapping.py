"""Regions: shared, whole from the first moment, refused with a way out."""

import mmap
import os
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from appliance.cold import mapping
from appliance.cold.errors import ApplianceError
from appliance.cold.mapping import attach, create


def test_both_ends_see_the_same_memory(tmp_path):
    path = tmp_path / "region"
    region = create(path, 10_000)
    assert isinstance(region, mmap.mmap) and region.path == path
    assert len(region) == 3 * mmap.PAGESIZE == path.stat().st_size
    assert not any(region[:])
    words = np.frombuffer(region, np.int64)
    reader, writer = attach(path), attach(path, writable=True)
    words[3] = 7
    assert np.frombuffer(reader, np.int64)[3] == 7
    np.frombuffer(writer, np.int64)[4] = 8
    assert words[4] == 8
    assert not np.frombuffer(reader, np.int64).flags.writeable
    with pytest.raises(TypeError):
        reader[0] = 1


def test_only_the_owner_may_open_it_and_no_other_name_is_left(tmp_path):
    create(tmp_path / "region", 1)
    assert [name.name for name in tmp_path.iterdir()] == ["region"]
    assert stat.S_IMODE((tmp_path / "region").stat().st_mode) == 0o600
    create(tmp_path / "open", 1, mode=0o640)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o640


def test_a_new_region_replaces_the_name_and_not_the_memory_of_the_old(tmp_path):
    old = create(tmp_path / "region", 100)
    reader = attach(tmp_path / "region")
    old[0] = 1
    new = create(tmp_path / "region", 100)
    assert not old.is_current() and not reader.is_current() and new.is_current()
    assert reader[0] == 1 and new[0] == 0 and old.inode != new.inode
    old.unlink()
    assert new.is_current()  # the name is not the old one's any more
    new.unlink()
    assert not new.is_current() and not (tmp_path / "region").exists()
    new.unlink()


def test_closing_waits_for_the_arrays(tmp_path):
    region = create(tmp_path / "region", 100)
    words = np.frombuffer(region, np.int64)
    region.close()
    assert not region.closed and words[0] == 0
    del words
    region.close()
    assert region.closed


def test_relative_names_are_in_shared_memory():
    name = f"lonecore-test-{os.getpid()}"
    region = create(name, 100)
    try:
        assert region.path == mapping.DEFAULT_FOLDER / name
        assert attach(name).inode == region.inode
    finally:
        region.unlink()


def test_locking_is_told_and_can_be_required(tmp_path, monkeypatch):
    class Libc:
        def mlock(self, address, size_bytes):
            return -1

    region = create(tmp_path / "region", 100)
    assert region.locked == (region.note == "")
    monkeypatch.setattr(mapping.ctypes, "CDLL", lambda *args, **options: Libc())
    monkeypatch.setattr(mapping.ctypes, "get_errno", lambda: 12)
    region = create(tmp_path / "unlocked", 100)
    assert not region.locked and "memlock" in region.note
    with pytest.raises(ApplianceError, match="memlock"):
        create(tmp_path / "refused", 100, lock_required=True)
    assert sorted(name.name for name in tmp_path.iterdir()) == ["region", "unlocked"]


def test_errors_name_the_file_and_the_way_out(tmp_path):
    with pytest.raises(ApplianceError, match=r"no region .*nothing.* running\?"):
        attach(tmp_path / "nothing")
    (tmp_path / "empty").touch()
    with pytest.raises(ApplianceError, match="empty"):
        attach(tmp_path / "empty")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(ApplianceError, match="link"):
        attach(tmp_path / "link")
    with pytest.raises(ApplianceError, match="cannot make"):
        create(tmp_path / "no" / "region", 100)


def test_no_room_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(handle, offset, size_bytes):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ApplianceError, match="no room for 4096 bytes"):
        create(tmp_path / "region", 100)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(mapping, "is_hugetlbfs", lambda folder: True)
    with pytest.raises(ApplianceError, match=r"no 2 free huge pages of 4 kB .*nr_hugepages"):
        create(tmp_path / "region", 4097)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_on_hugetlbfs_by_its_mount(tmp_path, monkeypatch):
    assert not mapping.is_hugetlbfs(tmp_path)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"none / ext4 rw 0 0\nnone {tmp_path} hugetlbfs rw 0 0\n")
    monkeypatch.setattr(mapping, "_MOUNTS", mounts)
    assert mapping.is_hugetlbfs(tmp_path)
    assert mapping.is_hugetlbfs(tmp_path / "below")
    assert not mapping.is_hugetlbfs(tmp_path.parent)


@pytest.fixture
def hugetlbfs(tmp_path):
    """A mount with eight pages of its own, where this machine and user can make one."""
    pages = Path("/proc/sys/vm/nr_hugepages")
    folder = tmp_path / "huge"
    folder.mkdir()
    before = pages.read_text()
    try:
        pages.write_text(str(int(before) + 8))
        subprocess.run(["mount", "-t", "hugetlbfs", "none", folder], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no hugetlbfs to be had here: {error}")
    yield folder
    subprocess.run(["umount", folder], check=True)
    pages.write_text(before)


def test_a_region_of_huge_pages(hugetlbfs):
    region = create(hugetlbfs / "region", (2 << 20) + 1)
    page_bytes = os.statvfs(hugetlbfs).f_bsize
    assert len(region) % page_bytes == 0 and len(region) >= (2 << 20) + 1
    found = Path("/proc/self/smaps").read_text().split(str(region.path))[1]
    assert f"KernelPageSize:{page_bytes // 1024:>9} kB" in found.split("VmFlags")[0]
    region.unlink()
    region.close()


def test_all_memory_can_be_locked_or_it_is_told(monkeypatch):
    class Libc:
        def mlockall(self, flags):
            return -1

    monkeypatch.setattr(mapping.ctypes, "CDLL", lambda *args, **options: Libc())
    monkeypatch.setattr(mapping.ctypes, "get_errno", lambda: 12)
    assert mapping.lock_all() == [
        "memory is not locked (Cannot allocate memory): raise the limit on locked memory (memlock)"
    ]
