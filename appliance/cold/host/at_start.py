"""The host as a run finds it: told, or a reason not to start, as the configuration has it."""

from appliance.cold.errors import EXIT_NO, ApplianceError
from appliance.cold.host import machine
from appliance.cold.host.cpus import list_text
from appliance.cold.host.knobs import Tree, Verdict, audit
from appliance.cold.host.profile import load


class NotTuned(ApplianceError):
    """The host is not what the configuration asks for."""

    exit_code = EXIT_NO


def check(core: int, profile: str, how: str, tree: Tree | None = None) -> list[str]:
    """What the user should hear; by value alone, which takes no time.

    NotTuned where ``how`` is "refuse", a line a knob. ApplianceError: no such core or profile.
    """
    if how == "off":
        return []
    tree = tree or Tree()
    isolated = frozenset({core}) | machine.isolated_now(tree)
    try:
        cores = machine.cores_of(isolated, tree)
    except ApplianceError as error:
        if how == "refuse":
            raise NotTuned(f"host: {error}") from None
        return [f"host: {error}"]
    bad = [one for one in audit(load(profile), cores, tree) if one.verdict.is_bad]
    # A run has no rights of its own: what only root may read (debugfs) is told, and no reason to
    # refuse. `check-host` as root judges it.
    hidden = [one for one in bad if one.verdict is Verdict.UNREADABLE]
    bad = [one for one in bad if one not in hidden]
    told = [f"host: {one.knob}: {one.found}: not judged" for one in hidden]
    if not bad:
        return told
    if how == "refuse":
        raise NotTuned(
            "\n".join(f"host: {one.knob}: {one.found}, not {one.wanted}: {one.mend}" for one in bad)
        )
    again = f"appliance check-host --profile {profile} --isolated {list_text(isolated)}"
    return [*told, f"host: {len(bad)} knobs are not as {profile} has them: {again}"]
