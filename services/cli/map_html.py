"""The map of the current snapshot as one HTML file, drawn with Bokeh.

It is the map of the original project's notebook. The file contains Bokeh's scripts, so it loads
nothing from the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from bokeh.embed import file_html
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.models.annotations import LabelSet, Legend, LegendItem
from bokeh.plotting import figure
from bokeh.resources import INLINE

from shared.snapshot.files.atlas import ATLAS, Atlas, Cluster
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore

COLOURS = (
    "#3b6fb6", "#d9822b", "#3f9b57", "#c23b4b", "#7e5bb5", "#8c6446", "#d16ba5", "#6e7781",
    "#a8a224", "#2aa3b3", "#1f4e79", "#e0a800", "#6b8e23", "#b5483a", "#4b3f72",
)  # fmt: skip
"""The colour of a cluster, by its number."""


class MapMissing(RuntimeError):
    """The snapshot was published before there were maps."""


def write_map_html(store: Path, path: Path) -> int:
    """Write the map of the current snapshot.

    Args:
        store: The snapshot store's folder.
        path: The file to write, in an existing folder. An older file is replaced atomically.

    Returns:
        The number of movies on the map.

    Raises:
        shared.snapshot.storage.store.NoSnapshot: the store has no current snapshot.
        shared.snapshot.storage.verify.SnapshotCorrupt: the current snapshot cannot be opened.
        MapMissing: the snapshot has no map.
        OSError: the file cannot be written.
    """
    snapshots = SnapshotStore(store)
    current = snapshots.current()
    snapshot = open_snapshot(
        snapshots, current.snapshot_id, manifest_sha256=current.manifest_sha256
    )
    try:
        if snapshot.atlas is None:
            raise MapMissing(
                f"snapshot {snapshot.snapshot_id} has no {ATLAS}: publish a new snapshot"
            )
        page = _page(snapshot, snapshot.atlas)
    finally:
        snapshot.catalogue.close()
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as stream:
        written = Path(stream.name)
        try:
            stream.write(page)
        except BaseException:
            written.unlink()
            raise
    written.chmod(0o644)
    written.replace(path)
    return len(snapshot.atlas.placed)


def _page(snapshot: Snapshot, atlas: Atlas) -> str:
    title = f"{len(atlas.placed)} movies by what their viewers say"
    plot = figure(
        title=title,
        sizing_mode="stretch_both",
        x_range=Range1d(start=-1.05, end=1.05),
        y_range=Range1d(start=-1.05, end=1.05),
        match_aspect=True,
        tools="pan,wheel_zoom,box_zoom,reset,save",
        active_scroll="wheel_zoom",
        toolbar_location="above",
    )
    plot.toolbar.logo = None
    plot.axis.visible = False
    plot.grid.visible = False
    plot.outline_line_color = None
    ids = snapshot.catalogue.movie_ids()
    facts = snapshot.catalogue.all_facts()
    titles = [fact.title or movie_id for fact, movie_id in zip(facts, ids, strict=True)]
    years = [str(fact.year or "unknown") for fact in facts]
    items = [_draw_cluster(plot, atlas, cluster, titles, years) for cluster in atlas.clusters]
    plot.add_tools(
        HoverTool(
            tooltips=[("", "@title"), ("year", "@year"), ("cluster", "@cluster")],
            renderers=[renderer for item in items for renderer in item.renderers],
        )
    )
    legend = Legend(items=items, click_policy="hide", title="Clusters (click to hide)")
    legend.label_text_font_size = "9pt"
    plot.add_layout(legend, "right")
    _write_names(plot, atlas.clusters)
    return file_html(plot, INLINE, title=title)


def _draw_cluster(
    plot: figure, atlas: Atlas, cluster: Cluster, titles: Sequence[str], years: Sequence[str]
) -> LegendItem:
    rows = np.flatnonzero(atlas.cluster == cluster.number).tolist()
    name = cluster_name(cluster)
    source = ColumnDataSource(
        {
            "x": atlas.positions[rows, 0].tolist(),
            "y": atlas.positions[rows, 1].tolist(),
            "title": [titles[row] for row in rows],
            "year": [years[row] for row in rows],
            "cluster": [name] * len(rows),
        }
    )
    # Bokeh's types do not know that a renderer of points is one of glyphs.
    points: Any = plot.scatter(
        "x",
        "y",
        source=source,
        size=_size(len(atlas.placed)),
        color=COLOURS[cluster.number],
        line_color="white",
        line_width=0.5,
        alpha=0.85,
    )
    return LegendItem(label=f"{name} ({cluster.movies})", renderers=[points])


def _write_names(plot: figure, clusters: Sequence[Cluster]) -> None:
    source = ColumnDataSource(
        {
            "x": [cluster.x for cluster in clusters],
            "y": [cluster.y for cluster in clusters],
            "name": [" · ".join(cluster.words) for cluster in clusters],
        }
    )
    plot.add_layout(
        LabelSet(
            x="x",
            y="y",
            text="name",
            source=source,
            text_align="center",
            text_font_size="10pt",
            text_font_style="bold",
            text_color="#222222",
            background_fill_color="white",
            background_fill_alpha=0.6,
        )
    )


def cluster_name(cluster: Cluster) -> str:
    """The words of a cluster, or its number when it has none."""
    return ", ".join(cluster.words) or f"cluster {cluster.number + 1}"


def _size(movies: int) -> float:
    """The diameter of a point in pixels."""
    return float(np.clip(260 / np.sqrt(max(movies, 1)), 3, 12))
