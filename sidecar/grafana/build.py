"""What stands in files/, made from the builders. It is committed; a test compares."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from sidecar.grafana.alert_rules import provisioning
from sidecar.grafana.dashboards import ALL

FILES: Final = Path(__file__).with_name("files")


def files() -> dict[str, str]:
    """Path under files/ -> text, of what is generated; the two YAML files are written by hand."""
    made = {
        f"dashboards/{name}.json": json.dumps(
            build().build(), cls=JSONEncoder, indent=2, sort_keys=True
        )
        for name, build in ALL.items()
    }
    made["alerting/lonecore.json"] = json.dumps(provisioning(), indent=2)
    return {path: text + "\n" for path, text in made.items()}
