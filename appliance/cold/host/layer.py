"""A folder of a release as an archive: the same folder makes the same bytes, whoever packs it."""

import compileall
import gzip
import hashlib
import os
import tarfile
from pathlib import Path
from typing import Final

MADE_AT_S: Final = 1_500_000_000  # of every file: time is no part of what is in a release


def compile_modules(folder: Path, place: str) -> None:
    """Byte code for all below ``folder``, which says ``place`` where it tells where it comes from.

    A module's time goes into its byte code, so each is given the one that the archive will have.
    """
    for path in folder.rglob("*"):
        os.utime(path, (MADE_AT_S, MADE_AT_S), follow_symlinks=False)
    compileall.compile_dir(folder, quiet=2, workers=0, stripdir=str(folder), prependdir=place)


def pack(tree: Path, archive: Path, name: str, last: str) -> None:
    """``tree`` as ``name`` into ``archive``; its file ``last`` comes last: where it is, all is."""
    paths = sorted(tree.rglob("*"), key=lambda path: (path == tree / last, str(path)))
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, MADE_AT_S) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [tree, *paths]:
            member = str(Path(name) / path.relative_to(tree))
            tar.add(path, member, recursive=False, filter=_anybodys)


def _anybodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = MADE_AT_S
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
