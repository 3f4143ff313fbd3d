"""One InfluxQL query of a panel or an alert, as Grafana's InfluxDB data source stores it.

Written in the subset that 1.x, 2.x and 3 share: one measurement, no joins, no continuous queries.
"""

from typing import Any

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

DATA_SOURCE_UID = "lonecore"
DATA_SOURCE = DataSourceRef(type_val="influxdb", uid=DATA_SOURCE_UID)
# Of the run that is chosen above the panels; of the sidecar, which is none.
OF_RUN = "$timeFilter AND proc =~ /^$proc$/"
OF_HOST = "$timeFilter"


class InfluxQuery(Builder[Dataquery], Dataquery):
    """The SDK has no builder for this data source."""

    def __init__(self, text: str, alias: str = "", ref_id: str = "A") -> None:
        self.text, self.alias, self.ref_id = text, alias, ref_id

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "refId": self.ref_id,
            "datasource": {"type": "influxdb", "uid": DATA_SOURCE_UID},
            "query": self.text,
            "rawQuery": True,
            "resultFormat": "time_series",
        }
        return told | ({"alias": self.alias} if self.alias else {})


class MarkQuery(InfluxQuery):
    """Of moments, for annotations: what stands in ``text`` is shown, ``tags`` beside it."""

    def __init__(self, query: str, text: str, tags: str) -> None:
        super().__init__(query, ref_id="Anno")
        self.text_column, self.tags_column = text, tags

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {
            "fromAnnotations": True,
            "textEditor": True,
            "textColumn": self.text_column,
            "tagsColumn": self.tags_column,
        }


def asked(
    measurement: str,
    what: str,
    where: str = "",
    *,
    of: str = OF_RUN,
    by: str = "proc",
    fill: str = "none",
) -> InfluxQuery:
    """``what`` of a measurement over time, a series for each value of the tag ``by``."""
    condition = of + (f" AND {where}" if where else "")
    group = f'time($__interval), "{by}"'
    text = f"SELECT {what} FROM {measurement} WHERE {condition} GROUP BY {group} fill({fill})"
    return InfluxQuery(text, f"$tag_{by}")
