"""The few kinds of panel that our dashboards are made of."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, heatmap, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    QueryVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    HeatmapCellLayout,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import AnnotationQuery as Annotation
from grafana_foundation_sdk.models.dashboard import (
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)

from sidecar.grafana.influx_query import DATA_SOURCE, OF_HOST, OF_RUN, InfluxQuery, MarkQuery

HALF, THIRD, QUARTER, WHOLE = 12, 8, 6, 24  # of the width
HEIGHT = 8
STAT_HEIGHT = 4
GREEN, YELLOW, RED = "green", "yellow", "red"
ORANGE, BLUE, PURPLE = "orange", "blue", "purple"


def marks() -> list[Builder[Annotation]]:
    """Lines through every panel: when it halted or began, when what runs was another, when the
    record has a hole."""
    state = f"SELECT reason, kind FROM lc_event WHERE {OF_RUN} AND kind = 'trading_state'"
    began = f"SELECT text, kind FROM lc_mark WHERE {OF_RUN} AND kind"
    told = (
        ("halts", RED, MarkQuery(f"{state} AND state = 'halted'", "reason", "kind")),
        ("reduce only", YELLOW, MarkQuery(f"{state} AND state = 'reduce_only'", "reason", "kind")),
        ("restarts", BLUE, MarkQuery(f"{began} = 'start'", "text", "kind")),
        ("gaps", ORANGE, MarkQuery(f"SELECT lost, why FROM lc_gap WHERE {OF_HOST}", "why", "why")),
        ("deploys", PURPLE, MarkQuery(f"{began} = 'deploy'", "text", "kind")),
    )
    return [
        AnnotationQuery()
        .name(name)
        .datasource(DATA_SOURCE)
        .enable(True)
        .icon_color(colour)
        .target(query)
        for name, colour, query in told
    ]


def dashboard(uid: str, title: str, what: str) -> Dashboard:
    """An empty one, with the choice of a run."""
    run = (
        QueryVariable("proc")
        .label("run")
        .datasource(DATA_SOURCE)
        .query('SHOW TAG VALUES FROM "lc_hb" WITH KEY = "proc"')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .include_all(True)
        .multi(True)
        .all_value(".*")
    )
    return (
        Dashboard(title)
        .uid(uid)
        .description(what)
        .tags(["lonecore"])
        .editable()
        .refresh("5s")
        .time("now-15m", "now")
        .timezone("utc")
        .with_variable(run)
        .annotations(marks())
    )


def levels(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    """(from which value on, colour); the first begins nowhere."""
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def names(*told: tuple[int, str, str]) -> ValueMap:
    """(value, text, colour)."""
    return ValueMap(
        options={
            str(value): ValueMappingResult(text=text, color=color, index=k)
            for k, (value, text, color) in enumerate(told)
        }
    )


def series(
    title: str, what: str, *queries: InfluxQuery, unit: str = "short", span: int = HALF
) -> timeseries.Panel:
    """Lines over time. ``what``: shown when somebody asks what the panel means."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(_sentence(what))
        .datasource(DATA_SOURCE)
        .unit(unit)
        .span(span)
        .height(HEIGHT)
        .line_width(1)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
    )
    return _asked(panel, queries)


def figure(
    title: str,
    what: str,
    query: InfluxQuery,
    *,
    unit: str = "short",
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),),
    told: ValueMap | None = None,
    span: int = QUARTER,
) -> stat.Panel:
    """The last value, large."""
    panel = (
        stat.Panel()
        .title(title)
        .description(_sentence(what))
        .datasource(DATA_SOURCE)
        .unit(unit)
        .span(span)
        .height(STAT_HEIGHT)
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(levels(*steps))
        .with_target(query)
    )
    return panel.mappings([told]) if told is not None else panel


def heat(title: str, what: str, query: InfluxQuery, span: int = HALF) -> heatmap.Panel:
    """Counts by bucket: each series is a bucket, its name the bucket's upper bound in ns."""
    return (
        heatmap.Panel()
        .title(title)
        .description(_sentence(what))
        .datasource(DATA_SOURCE)
        .span(span)
        .height(HEIGHT)
        .calculate(False)
        .rows_frame(heatmap.RowsHeatmapOptions().layout(HeatmapCellLayout.LE))
        .y_axis(heatmap.YAxisConfig().unit("ns"))
        .with_target(query)
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].removesuffix(".") + "."


def _asked(panel: timeseries.Panel, queries: Sequence[InfluxQuery]) -> timeseries.Panel:
    for query, ref_id in zip(queries, "ABCDEFGH", strict=False):
        query.ref_id = ref_id
        panel = panel.with_target(query)
    return panel
