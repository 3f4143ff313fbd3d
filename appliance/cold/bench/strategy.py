"""The strategy that is measured with: its file, for whoever has not imported Numba yet."""

from pathlib import Path
from typing import Final

STRATEGY: Final = Path(__file__).resolve().parents[2] / "hot" / "strategy" / "every_record.py"
