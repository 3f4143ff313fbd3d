"""The tool that spoils the gate: what it makes of a source."""

from pathlib import Path

from tests.mutation.gate_mutants import all_mutants, mutants

SOURCE = """
def check(value, limit):
    if value > limit:
        return 1
    return 2 if value == 0 else 3
"""


def verdicts(source: str) -> list[int]:
    scope: dict = {}
    exec(source, scope)
    return [scope["check"](value, 5) for value in (0, 4, 5, 6)]


def test_each_comparison_is_spoilt_in_each_way() -> None:
    assert verdicts(SOURCE) == [2, 3, 3, 1]
    made = list(mutants(Path("gate.py"), SOURCE))
    assert [verdicts(mutant.source) for mutant in made] == [
        [2, 3, 3, 3],  # the first removed
        [1, 1, 1, 3],  # inverted
        [3, 3, 3, 1],  # the second
        [3, 2, 2, 1],
        [2, 3, 1, 1],  # the other edge
        [3, 2, 2, 1],
    ]
    assert made[0].what == "gate.py:3: removed: value > limit"
    assert made[4].what == "gate.py:3: value > limit became value >= limit"


def test_every_check_of_the_gate_is_among_them() -> None:
    files = {mutant.path.name for mutant in all_mutants()}
    assert {"gate.py", "gate_limits.py", "gate_checks.py", "gate_account.py"} <= files
