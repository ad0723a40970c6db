"""How well small, medium and large objects are found."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, TICKS, new_panel
from yolosses.explain.style import FAINT_INK, HATCHES, INK, PALETTE, plain_axes
from yolosses.language import Language
from yolosses.training.evaluation import Metrics, SizeMetrics

WIDTH, BODY, NAMES = 6.4, 2.9, 2.1  # inches
BAR = 0.26  # of a band


@dataclass(frozen=True, kw_only=True)
class _Texts:
    title: str
    note: str
    names: dict[str, str]
    upto: str
    between: str
    above: str
    objects: tuple[str, str]
    scores: tuple[str, str, str]


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        title="Sizes of objects",
        note="COCO's bands, by the area of the box in pixels of the original picture",
        names={"small": "small", "medium": "medium", "large": "large"},
        upto="up to {most:g} x {most:g}",
        between="{least:g} x {least:g} to {most:g} x {most:g}",
        above="from {least:g} x {least:g} on",
        objects=("{number:,} object", "{number:,} objects"),
        scores=("AP50", "AP50:95", "AR@100"),
    ),
    "zh-TW": _Texts(
        title="物件的大小",
        note="COCO 的分級，依邊界框在原圖上的面積（像素）",
        names={"small": "小", "medium": "中", "large": "大"},
        upto="{most:g} x {most:g} 以下",
        between="{least:g} x {least:g} 到 {most:g} x {most:g}",
        above="{least:g} x {least:g} 以上",
        objects=("{number:,} 個物件", "{number:,} 個物件"),
        scores=("AP50", "AP50:95", "AR@100"),
    ),
}


def sizes_figure(metrics: Metrics, *, title: str, language: Language = "en") -> Figure:
    """AP50, AP50:95 and AR@100 of each band of sizes, with the number of its objects.

    Raises:
        ValueError: no font for ``language``.
    """
    words = _TEXTS[language]
    page = new_panel(WIDTH, 0.42 + HEADER + BODY, language)
    page.write(0, 0, page.shortened(title, 14, bold=True), size=14, weight="bold")
    body = page.part(0, 0.42, WIDTH, HEADER + BODY).header(words.title, words.note)
    height = BODY - 0.55
    axes = body.part(NAMES, 0, WIDTH - NAMES - 0.5, height).axes()
    plain_axes(axes)
    axes.grid(False, axis="y")
    number = max(len(metrics.sizes), 1)
    handles = []
    for index, name in enumerate(words.scores):
        places = [band + (index - 1) * BAR for band in range(len(metrics.sizes))]
        scores = [_scores(size)[index] for size in metrics.sizes]
        bars = axes.barh(
            places, [score or 0.0 for score in scores], BAR * 0.86, color=PALETTE[index], hatch=HATCHES[index],
            edgecolor="white", linewidth=0.6, label=f"_{name}",
        )  # fmt: skip
        handles.append((bars, name))
        for place, score in zip(places, scores, strict=True):
            axes.annotate(
                "–" if score is None else f"{score:.3f}", (score or 0.0, place), xytext=(4, 0),
                textcoords="offset points", va="center_baseline", fontsize=8.0, color=INK,
            )  # fmt: skip
    for band, size in enumerate(metrics.sizes):
        middle = (band + 0.5) * height / number
        body.write(0, middle - 0.28, words.names[size.name], size=9.5, weight="bold")
        body.write(0, middle - 0.09, _range(size, words), size=8.0, color=FAINT_INK)
        body.write(
            0,
            middle + 0.07,
            words.objects[size.objects != 1].format(number=size.objects),
            size=8.0,
            color=FAINT_INK,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(number - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(TICKS)
    axes.legend(
        [bars for bars, _ in handles], [name for _, name in handles], loc="upper left", bbox_to_anchor=(0, -0.1),
        ncols=3, frameon=False, fontsize=8.0, borderaxespad=0.0,
    )  # fmt: skip
    return page.finish()


def _scores(size: SizeMetrics) -> tuple[float | None, float | None, float | None]:
    return size.map50, size.map50_95, size.recall


def _range(size: SizeMetrics, words: _Texts) -> str:
    if size.most is None:
        return words.above.format(least=size.least)
    return (words.between if size.least else words.upto).format(least=size.least, most=size.most)
