"""``sidecar provision``: puts data source, dashboards and alert rules into a Grafana by its API.

Where Grafana's own files can be reached, file provisioning does the same without a token: the same
JSON lies in grafana/files. Everything has a fixed uid, so doing it again changes nothing; what
somebody edited by hand in these dashboards is overwritten, and says so in Grafana's history.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sidecar.run_config import Config, ConfigError, load

FILES: Final = Path(__file__).with_name("grafana") / "files"
FOLDER_UID: Final = "lonecore"
DATA_SOURCE_UID: Final = "lonecore"
_NOT_FOUND: Final = 404

_EPILOG: Final = """examples:
  sidecar provision sidecar.toml
  sidecar provision sidecar.toml --json | jq .done

It needs the extra: pip install 'lonecore[grafana]', in an environment of its own, because its
client replaces the HTTP library that the one of InfluxDB stands on.

exit codes: 0 done, 1 Grafana refused or is not there, 2 wrong request"""


class ProvisionError(Exception):
    """Grafana did not do it; one line. ``status``: of its answer, 0 if there was none."""

    def __init__(self, said: str, status: int = 0) -> None:
        super().__init__(said)
        self.status = status


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``provision`` to the sidecar's command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "provision",
        help="set up Grafana",
        description="Create or renew data source, dashboards and alert rules, by their fixed uids.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="with [grafana] and [influx]")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``sidecar provision``; returns the exit code."""
    try:
        config = load(args.config)
        if config.grafana is None or config.target is None:
            missing = "[grafana]" if config.grafana is None else "[influx]"
            raise ConfigError(f"{args.config}: {missing} is missing")
        steps = _Steps(config)
    except ConfigError as error:
        sys.stderr.write(f"sidecar provision: {error}\n")
        return 2
    try:
        for step in (steps.folder, steps.data_source, steps.dashboards, steps.alert_rules):
            step()
    except ProvisionError as error:
        sys.stderr.write(f"sidecar provision: {config.grafana.url}: {error}\n")
        return 1
    if args.json:
        sys.stdout.write(
            json.dumps({"url": config.grafana.url, "done": steps.done}, indent=2) + "\n"
        )
    else:
        sys.stdout.writelines(f"{line}\n" for line in steps.done)
    return 0


class _Steps:
    """What is done, in order; ``done`` says what it was."""

    def __init__(self, config: Config) -> None:
        try:
            from grafana_client import GrafanaApi, TokenAuth
        except ImportError:
            raise ConfigError(
                "the Grafana client is not installed: pip install 'lonecore[grafana]', in an"
                " environment of its own; or use file provisioning (sidecar/grafana/files)"
            ) from None
        assert config.grafana is not None and config.target is not None
        self._target = config.target
        self._api = GrafanaApi.from_url(
            config.grafana.url, credential=TokenAuth(config.grafana.token)
        )
        self.done: list[str] = []

    def folder(self) -> None:
        folders = self._api.folder
        if self._found(folders.get_folder, FOLDER_UID) is None:
            self._ask(folders.create_folder, "lonecore", FOLDER_UID)
            self.done.append("folder lonecore: created")

    def data_source(self) -> None:
        sources = self._api.datasource
        wanted = data_source(self._target.url, self._target.bucket, self._target.token)
        if self._found(sources.get_datasource_by_uid, DATA_SOURCE_UID) is None:
            self._ask(sources.create_datasource, wanted)
            self.done.append("data source lonecore: created")
        else:
            self._ask(sources.update_datasource_by_uid, DATA_SOURCE_UID, wanted)
            self.done.append("data source lonecore: renewed")

    def dashboards(self) -> None:
        for path in sorted((FILES / "dashboards").glob("*.json")):
            dashboard = json.loads(path.read_text())
            wanted = {"dashboard": dashboard, "folderUid": FOLDER_UID, "overwrite": True}
            self._ask(self._api.dashboard.update_dashboard, wanted)
            self.done.append(f"dashboard {dashboard['uid']}: in place")

    def alert_rules(self) -> None:
        """Not marked as provisioned: whoever uses Grafana may mute or change them there."""
        rules = self._api.alertingprovisioning
        (group,) = json.loads((FILES / "alerting" / "lonecore.json").read_text())["groups"]
        for one in group["rules"]:
            uid = one["uid"]
            wanted = one | {"folderUID": FOLDER_UID, "ruleGroup": group["name"], "orgID": 1}
            if self._found(rules.get_alertrule, uid) is None:
                self._ask(rules.create_alertrule, wanted, disable_provenance=True)
                self.done.append(f"alert rule {uid}: created")
            else:
                self._ask(rules.update_alertrule, uid, wanted, disable_provenance=True)
                self.done.append(f"alert rule {uid}: renewed")

    def _found(self, call: Callable[..., Any], uid: str) -> Any:
        """What there is under a uid; None: nothing."""
        try:
            return self._ask(call, uid)
        except ProvisionError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _ask(self, call: Callable[..., Any], *values: Any, **named: Any) -> Any:
        from grafana_client.client import GrafanaException

        try:
            return call(*values, **named)
        except GrafanaException as error:
            denied = error.status_code in (401, 403)
            hint = " (it wants the token of a service account that may edit)" if denied else ""
            said = " ".join(str(error.message).split())
            text = f"HTTP {error.status_code}: {said}{hint}"
            raise ProvisionError(text, error.status_code) from None
        except OSError as error:  # of its HTTP library, which it lets through
            said = " ".join(str(error).split())[:200]
            raise ProvisionError(f"does not answer: {said}") from None


def data_source(url: str, bucket: str, token: str) -> dict[str, Any]:
    """InfluxQL over ``url``; a token with a colon is user and password of 1.x."""
    wanted: dict[str, Any] = {
        "name": "lonecore",
        "uid": DATA_SOURCE_UID,
        "type": "influxdb",
        "access": "proxy",
        "url": url,
        "jsonData": {
            "version": "InfluxQL",
            "dbName": bucket.partition("/")[0],
            "httpMode": "POST",
            "timeInterval": "1s",
        },
    }
    user, colon, password = token.partition(":")
    if colon:
        wanted |= {"basicAuth": True, "basicAuthUser": user}
        wanted["secureJsonData"] = {"basicAuthPassword": password}
    elif token:
        wanted["jsonData"]["httpHeaderName1"] = "Authorization"
        wanted["secureJsonData"] = {"httpHeaderValue1": f"Token {token}"}
    return wanted
