"""How well small, medium and large objects are found."""

from __future__ import annotations

from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, TICKS, beside_bar, titled_panel
from yolosses.explain.style import FAINT_INK, area_signs, plain_axes
from yolosses.language import N_, Language, catalogue
from yolosses.training.evaluation import Metrics, SizeMetrics

WIDTH, BODY, NAMES = 6.4, 2.9, 2.1  # inches
BAR = 0.26  # of a band
SCORES = ("AP50", "AP50:95", "AR@100")
_SIZES = {"small": N_("small"), "medium": N_("medium"), "large": N_("large")}


def sizes_figure(metrics: Metrics, *, title: str, language: Language = "en") -> Figure:
    """AP50, AP50:95 and AR@100 of each band of sizes, with the number of its objects.

    Raises:
        ValueError: no font for ``language``.
    """
    words = catalogue(language)
    _ = words.gettext
    page = titled_panel(title, WIDTH, HEADER + BODY, language)
    body = page.header(
        _("Sizes of objects"), _("COCO's bands, by the area of the box in pixels of the original picture")
    )
    height = BODY - 0.55
    axes = body.part(NAMES, 0, WIDTH - NAMES - 0.5, height).axes()
    plain_axes(axes)
    axes.grid(False, axis="y")
    number = max(len(metrics.sizes), 1)
    handles = []
    for index, name in enumerate(SCORES):
        places = [band + (index - 1) * BAR for band in range(len(metrics.sizes))]
        scores = [(size.map50, size.map50_95, size.recall)[index] for size in metrics.sizes]
        bars = axes.barh(
            places, [score or 0.0 for score in scores], BAR * 0.86, linewidth=0.6, label=f"_{name}",
            **area_signs(index),
        )  # fmt: skip
        handles.append((bars, name))
        for place, score in zip(places, scores, strict=True):
            text = "–" if score is None else f"{score:.3f}"
            beside_bar(axes, score or 0.0, place, text, gap=4, fontsize=8.0)
    for band, size in enumerate(metrics.sizes):
        middle = (band + 0.5) * height / number
        body.write(0, middle - 0.28, _(_SIZES[size.name]), size=9.5, weight="bold")
        body.write(0, middle - 0.09, _range(size, language), size=8.0, color=FAINT_INK)
        said = words.ngettext("{count} object", "{count} objects", size.objects)
        body.write(0, middle + 0.07, said.format(count=f"{size.objects:,}"), size=8.0, color=FAINT_INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(number - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(TICKS)
    axes.legend(
        [bars for bars, _ in handles], [name for _, name in handles], loc="upper left", bbox_to_anchor=(0, -0.1),
        ncols=3, frameon=False, fontsize=8.0, borderaxespad=0.0,
    )  # fmt: skip
    return page.finish()


def _range(size: SizeMetrics, language: Language) -> str:
    _ = catalogue(language).gettext
    least, most = f"{size.least:g}", f"{size.most or 0:g}"
    if size.most is None:
        return _("from {least} x {least} on").format(least=least)
    if not size.least:
        return _("up to {most} x {most}").format(most=most)
    return _("{least} x {least} to {most} x {most}").format(least=least, most=most)
