"""The precision-recall curves of a detector, one a class and their mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, TICKS, new_panel
from yolosses.explain.style import FAINT_INK, INK, LINE_STYLES, colour_of, plain_axes
from yolosses.language import Language
from yolosses.training.evaluation import Metrics

WIDTH, BODY, BESIDE = 5.2, 4.2, 2.9  # inches: the curves, and their names beside them
MOST_NAMES = 15  # classes with a name and a colour; of more, those with the most objects


@dataclass(frozen=True, kw_only=True)
class _Texts:
    title: str
    note: str
    none: str
    recall: str
    precision: str
    mean: str
    others: str


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        title="Precision and recall",
        note="IoU ≥ 0.5; the highest precision at a recall or beyond. AP50 is the mean height of a curve.",
        none="there is no object in this split",
        recall="recall: part of the objects that are found",
        precision="precision: part of the detections that are right",
        mean="mean",
        others="{number} more classes",
    ),
    "zh-TW": _Texts(
        title="精確率與召回率",
        note="IoU ≥ 0.5；取該召回率以上的最高精確率。AP50 是曲線的平均高度。",
        none="這個分割沒有任何物件",
        recall="召回率：找到的物件所占比例",
        precision="精確率：正確的偵測結果所占比例",
        mean="平均",
        others="另外 {number} 個類別",
    ),
}


def curves_figure(metrics: Metrics, *, title: str, language: Language = "en") -> Figure:
    """A curve for each class with objects, its AP50 beside its name, and the mean of them.

    Raises:
        ValueError: no font for ``language``.
    """
    words = _TEXTS[language]
    page = new_panel(WIDTH + BESIDE, 0.42 + HEADER + BODY, language)
    page.write(0, 0, page.shortened(title, 14, bold=True), size=14, weight="bold")
    body = page.part(0, 0.42, page.width, page.height - 0.42)
    curves = [(row, np.array(row.precision50)) for row in metrics.classes if row.precision50 is not None]
    body = body.header(words.title, words.note if curves else words.none)
    axes = body.part(0.55, 0, WIDTH - 0.55, BODY - 0.45).axes()
    plain_axes(axes)
    recall = np.linspace(0, 1, 101)
    by_size = sorted(curves, key=lambda curve: -curve[0].objects)
    named = by_size[:MOST_NAMES]
    entries = []
    for row, precision in by_size[MOST_NAMES:]:
        axes.plot(recall, precision, color=FAINT_INK, linewidth=0.5, alpha=0.4, label=f"_{row.name}")
    for index, (row, precision) in enumerate(sorted(named, key=lambda curve: -(curve[0].ap50 or 0.0))):
        colour, style = colour_of(index), LINE_STYLES[index % len(LINE_STYLES)]
        line = axes.plot(
            recall, precision, color=colour, linestyle=style, linewidth=1.4, label=f"_{row.name}"
        )
        entries.append((line[0], f"{row.ap50:.3f}  {row.name}"))
    if curves:
        mean = np.mean([precision for _, precision in curves], axis=0)
        line = axes.plot(recall, mean, color=INK, linewidth=2.6, label="_mean")
        entries.insert(0, (line[0], f"{metrics.map50:.3f}  {words.mean}"))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(TICKS)
    axes.set_xlabel(words.recall, fontsize=8.5, color=FAINT_INK)
    axes.set_ylabel(words.precision, fontsize=8.5, color=FAINT_INK)
    names = body.part(WIDTH + 0.25, 0, BESIDE - 0.25, BODY)
    if entries:
        names.write(0, 0, "AP50", size=8.0, color=FAINT_INK)
        names.legend_below(0.0, entries)
    if len(by_size) > MOST_NAMES:
        more = words.others.format(number=len(by_size) - MOST_NAMES)
        names.write(0, BODY - 0.3, more, size=8.0, color=FAINT_INK)
    return page.finish()
