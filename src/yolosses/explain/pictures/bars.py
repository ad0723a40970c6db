"""The terms of the loss before and after their lambdas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.pictures.panel import HEADER, Panel, bar_axes, beside_bar, new_panel
from yolosses.explain.style import INK, colour_of, text_width
from yolosses.explain.terms import term_name
from yolosses.language import Language, catalogue, joined

THICK = 0.36  # of a bar; the two of a term share one unit
TERM_HEIGHT = 0.62  # inches, like the next
LEGEND, AXIS = 0.3, 0.42
NAME_SIZE, LABEL_SIZE = 9.0, 8.5  # points
LABEL_GAP = 0.07  # inches between a bar and what is written beside it


def draw_term_bars(
    explanation: Explanation, *, image: int | None = None, language: Language = "en"
) -> Figure:
    """Each term twice: hollow before its lambda, filled after it, with the lambda and the share in the loss
    beside it.

    Args:
        image: index in the batch; None for all that the explanation speaks of.

    Raises:
        ValueError: no such image, or no font for ``language``.
    """
    part = explanation if image is None else explanation.of_image(image)
    panel = new_panel(7.2, HEADER + LEGEND + TERM_HEIGHT * len(part.terms) + AXIS, language)
    bars_panel(panel, part, whole=explanation.total)
    return panel.finish()


@dataclass(frozen=True)
class _Bar:
    """A bar's place on the axis of the terms, its length, and what is written beside it."""

    place: float
    length: float
    text: str
    bold: bool = False


def bars_panel(panel: Panel, part: Explanation, *, whole: float) -> None:
    """`draw_term_bars` within a panel; ``whole``: the loss of the batch that ``part`` belongs to."""
    _ = panel.gettext
    body = panel.header(_("what the lambdas do to the terms"), _note(panel.language, part, whole))
    names = [term_name(name, part.terms, language=panel.language) for name in part.terms]
    left = max(text_width(name, NAME_SIZE, panel.family) for name in names) + 0.12
    width = body.width - left
    axes = bar_axes(body.part(left, LEGEND, width, body.height - LEGEND - AXIS), _("loss"), ticks=5)
    before, after = _bars(panel.language, part)
    colors = [colour_of(index) for index in range(len(names))]
    for bars, faces, label in ((before, ["white"] * len(names), "_before"), (after, colors, "_after")):
        axes.barh(
            [bar.place for bar in bars], [bar.length for bar in bars], THICK, color=faces, edgecolor=colors,
            linewidth=1.3, label=label,
        )  # fmt: skip
    for bar in (*before, *after):
        look = {"fontsize": LABEL_SIZE, "fontweight": "bold" if bar.bold else "normal"}
        beside_bar(axes, bar.length, bar.place, bar.text, gap=72 * LABEL_GAP, **look)
    axes.set_xlim(0, _reach(panel, [*before, *after], width))
    axes.set_ylim(len(names) - 0.42, -0.58)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelsize=NAME_SIZE, labelcolor=INK)
    entries = [
        (Patch(facecolor="white", edgecolor=INK), _("before its lambda")),
        (Patch(facecolor=INK, edgecolor=INK), _("after its lambda: what the optimiser sees")),
    ]
    body.part(0, 0, body.width, LEGEND).legend_row(entries, handlelength=1.6)


def _note(language: Language, part: Explanation, whole: float) -> str:
    _ = catalogue(language).gettext
    note = _("total {total}: the sum of the filled bars").format(total=number(part.total))
    if part.num_images == 1 or len(part.images) > 1:
        return note
    of_batch = _("{share} of the loss of the batch, {total}").format(
        share=percent(part.total, whole), total=number(whole)
    )
    return joined((note, of_batch), language)


def _bars(language: Language, part: Explanation) -> tuple[list[_Bar], list[_Bar]]:
    """Of each term, before and after its lambda."""
    _ = catalogue(language).gettext
    sums = part.by_term()
    most = max((weighted for _, weighted in sums.values() if np.isfinite(weighted)), default=0.0)
    before, after = [], []
    for index, (name, (raw, weighted)) in enumerate(sums.items()):
        text = _("× {scale} = {value} ({share})").format(
            scale=f"{part.scales[name]:g}", value=number(weighted), share=percent(weighted, part.total)
        )
        # Nothing is drawn of a value that is not finite; its text says so.
        lengths = [value if np.isfinite(value) else 0.0 for value in (raw, weighted)]
        before.append(_Bar(index - THICK / 2, lengths[0], number(raw)))
        after.append(_Bar(index + THICK / 2, lengths[1], text, bold=weighted == most > 0))
    return before, after


def _reach(panel: Panel, bars: list[_Bar], width: float) -> float:
    """End of the axis such that every bar fits into ``width`` inches with its text."""
    ends = []
    for bar in bars:
        text = text_width(bar.text, LABEL_SIZE, panel.family, bold=bar.bold) + LABEL_GAP
        ends.append(bar.length * width / max(width - text, 0.3 * width))
    return max(ends, default=0.0) or 1.0
