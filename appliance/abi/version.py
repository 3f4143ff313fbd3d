"""The one version of the shared-memory contract."""

from typing import Final

MAGIC: Final = b"LONECORE"
ABI_MAJOR: Final = 2  # a reader of another major refuses to attach
ABI_MINOR: Final = 3  # fields where padding was, a section and a stage behind the others
