"""The precision-recall curves of a detector, one a class and their mean."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, TICKS, titled_panel
from yolosses.explain.style import FAINT_INK, INK, line_signs, plain_axes
from yolosses.language import Language, catalogue
from yolosses.training.evaluation import Metrics

WIDTH, BODY, BESIDE = 5.2, 4.2, 2.9  # inches: the curves, and their names beside them
MOST_NAMES = 15  # classes with a name and a colour; of more, those with the most objects


def curves_figure(metrics: Metrics, *, title: str, language: Language = "en") -> Figure:
    """A curve for each class with objects, its AP50 beside its name, and the mean of them.

    Raises:
        ValueError: no font for ``language``.
    """
    words = catalogue(language)
    _ = words.gettext
    page = titled_panel(title, WIDTH + BESIDE, HEADER + BODY, language)
    curves = [(row, np.array(row.precision50)) for row in metrics.classes if row.precision50 is not None]
    note = _("IoU ≥ 0.5; the highest precision at a recall or beyond. AP50 is the mean height of a curve.")
    body = page.header(_("Precision and recall"), note if curves else _("there is no object in this split"))
    axes = body.part(0.55, 0, WIDTH - 0.55, BODY - 0.45).axes()
    plain_axes(axes)
    recall = np.linspace(0, 1, 101)
    by_size = sorted(curves, key=lambda curve: -curve[0].objects)
    named = by_size[:MOST_NAMES]
    entries = []
    for row, precision in by_size[MOST_NAMES:]:
        axes.plot(recall, precision, color=FAINT_INK, linewidth=0.5, alpha=0.4, label=f"_{row.name}")
    for index, (row, precision) in enumerate(sorted(named, key=lambda curve: -(curve[0].ap50 or 0.0))):
        signs = line_signs(index) | {"marker": ""}
        line = axes.plot(recall, precision, **signs, linewidth=1.4, label=f"_{row.name}")
        entries.append((line[0], f"{row.ap50:.3f}  {row.name}"))
    if curves:
        mean = np.mean([precision for _, precision in curves], axis=0)
        line = axes.plot(recall, mean, color=INK, linewidth=2.6, label="_mean")
        name = _("mean")
        entries.insert(0, (line[0], f"{metrics.map50:.3f}  {name}"))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(TICKS)
    axes.set_xlabel(_("recall: part of the objects that are found"), fontsize=8.5, color=FAINT_INK)
    axes.set_ylabel(_("precision: part of the detections that are right"), fontsize=8.5, color=FAINT_INK)
    names = body.part(WIDTH + 0.25, 0, BESIDE - 0.25, BODY)
    if entries:
        names.write(0, 0, "AP50", size=8.0, color=FAINT_INK)
        names.legend_below(0.0, entries)
    more = len(by_size) - MOST_NAMES
    if more > 0:
        said = words.ngettext("{count} more class", "{count} more classes", more)
        names.write(0, BODY - 0.3, said.format(count=more), size=8.0, color=FAINT_INK)
    return page.finish()
