"""The pictures of a batch, worst first, with what their loss is made of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.board import Picture, aspect_of, fitted, require_picture, show_picture
from yolosses.explain.pictures.boxes import draw_answering, draw_truth
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.pictures.panel import HEADER, TICKS, Panel, bar_axes, new_panel
from yolosses.explain.structures import Floats
from yolosses.explain.style import FAINT_INK, INK, area_signs, plain_axes
from yolosses.explain.terms import term_name
from yolosses.language import Language

WIDTH = 9.0  # inches, like all of these
ROW, THUMBNAIL, GAP = 1.15, 1.35, 0.2
LEGEND, AXIS = 0.3, 0.42
RANKING = 1.7
LEAST_LABELLED = 0.05  # of the widest bar: in narrower parts a number has no room
BAR_TOP, BAR_BOTTOM = 0.34, 0.84  # of a row


def draw_batch(
    explanation: Explanation, pictures: Sequence[Picture | None], *, language: Language = "en", top: int = 16
) -> Figure:
    """The worst pictures of a batch: each with its boxes, and a bar of its terms as long as its loss.

    With more pictures than ``top`` a panel above shows the losses of all of them by rank, terms stacked, so that it
    is seen whether a few pictures make the loss or all of them; a whole data set can be given as one batch.

    Args:
        pictures: of the whole batch: (H, W, 3) uint8 RGB, or None for a grey board.
        top: pictures with a row of their own, at least 1.

    Raises:
        ValueError: not one picture for each image, no such picture, ``top`` below 1, or no font for ``language``.
    """
    if len(pictures) != explanation.num_images:
        raise ValueError(
            f"pictures: expected {explanation.num_images}, one for each image; got {len(pictures)}"
        )
    if top < 1:
        raise ValueError(f"top: expected at least 1; got {top}")
    for index, picture in enumerate(pictures):
        require_picture(picture, f"pictures[{index}]")
    ranked, values = _ranked(explanation)
    shown = min(top, len(ranked))
    above = RANKING if len(ranked) > shown else 0.0
    panel = new_panel(WIDTH, HEADER + LEGEND + above + shown * ROW + AXIS, language)
    _ = panel.gettext
    note = _("pictures: {count}, loss {loss}").format(count=len(ranked), loss=number(explanation.total))
    body = panel.header(_("the pictures of the batch, worst first"), note)
    _legend(body, explanation)
    if above:
        _ranking(body.part(0, LEGEND, WIDTH, above), values, shown)
    rows = body.part(0, LEGEND + above, WIDTH, shown * ROW + AXIS)
    _bars(rows, explanation, ranked[:shown], values[:, :shown])
    for row, image in enumerate(ranked[:shown]):
        place = rows.part(0, row * ROW, THUMBNAIL, ROW - 0.12)
        _thumbnail(place, explanation.of_image(image), image, pictures[image])
    return panel.finish()


def _ranked(explanation: Explanation) -> tuple[list[int], Floats]:
    """Images by loss, largest first (a loss that is not finite before all others), and (terms, images) their
    weighted values in this order."""
    sums = explanation.contributions.sums("image", "term")
    values = np.array(
        [
            [sums.get((image, term), (0.0, 0.0))[1] for image in explanation.images]
            for term in range(len(explanation.terms))
        ]
    )
    order = np.argsort(-np.nan_to_num(values.sum(0), nan=np.inf), kind="stable")
    return [explanation.images[index] for index in order], values[:, order]


def _legend(panel: Panel, explanation: Explanation) -> None:
    names = [term_name(name, explanation.terms, language=panel.language) for name in explanation.terms]
    entries = [(Patch(**area_signs(index), linewidth=0), name) for index, name in enumerate(names)]
    row = panel.part(0, 0, panel.width, LEGEND)
    row.legend_row(entries, handlelength=2.4, columnspacing=1.4, handleheight=1.1)


def _bars(panel: Panel, explanation: Explanation, images: Sequence[int], values: Floats) -> None:
    """One stacked bar a row, beside where the thumbnails go."""
    left = THUMBNAIL + GAP
    _ = panel.gettext
    body = panel.part(left, 0, panel.width - left, panel.height - AXIS)
    axes = bar_axes(body, _("share of each picture in the loss"), ticks=6)
    axes.spines["left"].set_visible(False)
    drawn = np.where(np.isfinite(values), values, 0.0)
    middle = np.arange(len(images), dtype=np.float64) + (BAR_TOP + BAR_BOTTOM) / 2
    starts = np.cumsum(drawn, axis=0) - drawn
    widest = float(drawn.sum(0).max(initial=0.0)) or 1.0
    for term in range(len(values)):
        axes.barh(
            middle, drawn[term], BAR_BOTTOM - BAR_TOP, left=starts[term], linewidth=0.6, **area_signs(term),
            label=f"_{explanation.terms[term]}",
        )  # fmt: skip
        for place, start, width, whole in zip(middle, starts[term], drawn[term], drawn.sum(0), strict=True):
            if width >= LEAST_LABELLED * widest:
                axes.text(
                    start + width / 2, place, percent(width, whole), fontsize=7.5, color=INK, ha="center",
                    va="center_baseline", bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "linewidth": 0},
                )  # fmt: skip
    room = panel.part(0, 0, panel.width - left, ROW)
    said = _("{name}: {loss} ({share})").format
    for row, (image, loss) in enumerate(zip(images, values.sum(0).tolist(), strict=True)):
        named = partial(said, loss=number(loss), share=percent(loss, explanation.total))
        text = room.with_name(named, explanation.image_names[image], 9.0)
        axes.text(0, row + BAR_TOP - 0.07, text, fontsize=9.0, color=INK, va="bottom")
    axes.set(xlim=(0, widest * 1.02), ylim=(len(images), 0), yticks=[])


def _ranking(panel: Panel, values: Floats, shown: int) -> None:
    """The loss of every picture by rank, terms stacked."""
    _, count = panel.gettext, values.shape[1]
    text = _("all {count} pictures by rank; below, the worst {shown}").format(count=count, shown=shown)
    panel.write(0, 0.02, text, size=8.5, color=FAINT_INK)
    axes = panel.part(0.5, 0.26, panel.width - 0.5, panel.height - 0.26 - 0.4).axes()
    plain_axes(axes)
    axes.grid(False, axis="x")
    drawn = np.where(np.isfinite(values), values, 0.0)
    tops = np.cumsum(drawn, axis=0)
    edges = np.arange(count + 1) + 0.5
    for term, (part, top) in enumerate(zip(drawn, tops, strict=True)):
        low, high = (np.append(side, side[-1:]) for side in (top - part, top))
        axes.fill_between(edges, low, high, step="post", linewidth=0.0, **area_signs(term), label=f"_{term}")
    axes.axvline(shown + 0.5, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
    axes.set(xlim=(0.5, count + 0.5), ylim=(0, float(tops[-1].max()) * 1.05 or 1.0))
    axes.xaxis.set(major_locator=MaxNLocator(8, integer=True), major_formatter=TICKS)
    axes.yaxis.set(major_locator=MaxNLocator(3), major_formatter=TICKS)


def _thumbnail(panel: Panel, part: Explanation, image: int, picture: Picture | None) -> None:
    aspect = aspect_of(picture, part.predictions.grids[0])
    width, height = fitted(aspect, panel.width, panel.height)
    centred = panel.part((panel.width - width) / 2, (panel.height - height) / 2 + 0.06, width, height)
    board = show_picture(centred, picture, aspect)
    board.axes.set_label(f"picture {image}")
    for obj in part.objects:
        draw_truth(board, obj, scale=0.3)
        draw_answering(board, part, obj, scale=0.4)
