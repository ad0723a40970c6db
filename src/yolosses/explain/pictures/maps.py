"""Where on the grid each term of the loss comes from."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.board import Board, Picture, aspect_of, fitted, require_picture, show_picture
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.pictures.panel import HEADER, TICKS, Panel, new_panel
from yolosses.explain.structures import Floats
from yolosses.explain.style import FAINT_INK, INK, VERMILLION, LineStyle
from yolosses.explain.terms import term_name
from yolosses.language import Language, joined

# From nearly nothing to nearly black: in print without colour darker is more. The picture shows through where
# there is little loss.
HEAT = LinearSegmentedColormap.from_list(
    "heat",
    [(1.0, 0.93, 0.62, 0.15), (0.97, 0.66, 0.20, 0.60), (0.80, 0.26, 0.10, 0.85), (0.27, 0.0, 0.16, 0.97)],
)
COLUMNS = 3  # of the maps of one level; with several levels each has a row
MAP_SIDE = 3.6  # inches, the longer side of a map
TITLE, GAP, BAR, BAR_LABELS = 0.44, 0.25, 0.09, 0.5
OUTLINES: dict[str, LineStyle] = {"answered": "-", "dropped": (0, (4, 2)), "ignored": (0, (1, 1.5))}
STRENGTH = 0.25  # of the picture below: faint, lest its darkness be taken for loss
MAP_TITLE_SIZE, MAP_NOTE_SIZE = 9.0, 7.8


def draw_term_maps(
    explanation: Explanation, image: int, picture: Picture | None, *, language: Language = "en"
) -> Figure:
    """One heat map a term over the cells of the grid, on the picture, and one of all terms together.

    A cell shows the weighted value that its boxes add to the loss. Every map has a colour scale of its own, from 0 to
    its largest cell, which is framed; darker is more; cells that add nothing stay clear. With several levels each has a
    row of maps. Thin outlines are the truths (dashed: dropped, dotted: ignored).

    Args:
        image: index in the batch.
        picture: (H, W, 3) uint8 RGB, or None for a grey board.

    Raises:
        ValueError: no such image, no such picture, or no font for ``language``.
    """
    require_picture(picture)
    part = explanation.of_image(image)
    aspect = aspect_of(picture, part.predictions.grids[0])
    columns, _ = _layout(part)
    width = columns * (fitted(aspect, MAP_SIDE, MAP_SIDE)[0] + BAR + BAR_LABELS + GAP) - GAP
    panel = new_panel(width, maps_height(part, picture, width), language)
    maps_panel(panel, part, image, picture)
    return panel.finish()


def maps_height(part: Explanation, picture: Picture | None, width: float) -> float:
    """Inches that the maps need, on so many inches of width."""
    columns, rows = _layout(part)
    side = (width + GAP) / columns - GAP - BAR - BAR_LABELS
    height = fitted(aspect_of(picture, part.predictions.grids[0]), side, MAP_SIDE)[1]
    return HEADER + rows * (TITLE + height + GAP) - GAP


def maps_panel(panel: Panel, part: Explanation, image: int, picture: Picture | None) -> None:
    """`draw_term_maps` within a panel."""
    _ = panel.gettext
    loss = _("loss {loss}").format(loss=number(part.total))
    title = _("{title}: {name}").format(
        title=_("where in the picture the loss comes from"), name=part.image_names[image]
    )
    scale = _("weighted; every map has its own scale; cells are (row, column), counted from 0")
    body = panel.header(title, joined((loss, scale), panel.language))
    columns, rows = _layout(part)
    width, height = (body.width + GAP) / columns - GAP, (body.height + GAP) / rows - GAP
    aspect = aspect_of(picture, part.predictions.grids[0])
    levels = len(part.predictions.grids)
    for index in range(levels * (len(part.terms) + 1)):
        level, term = divmod(index, len(part.terms) + 1)
        row, column = divmod(index, columns)
        room = body.part(column * (width + GAP), row * (height + GAP), width, height)
        name = part.terms[term] if term < len(part.terms) else None
        _map(room, part, name, level, picture, aspect)


def _layout(part: Explanation) -> tuple[int, int]:
    """Columns and rows of maps."""
    maps, levels = len(part.terms) + 1, len(part.predictions.grids)
    return (min(COLUMNS, maps), -(-maps // COLUMNS)) if levels == 1 else (maps, levels)


def _map(
    panel: Panel, part: Explanation, term: str | None, level: int, picture: Picture | None, aspect: float
) -> None:
    _titles(panel, part, term, level, cell_values(part, term, level))
    room = panel.part(0, TITLE, panel.width - BAR - BAR_LABELS, panel.height - TITLE)
    board, heat = show_map(room, part, term, level, picture, aspect)
    if heat is not None:
        _colour_bar(panel.part(board.width + 0.06, TITLE, BAR, board.height), heat)


def show_map(
    panel: Panel, part: Explanation, term: str | None, level: int, picture: Picture | None, aspect: float
) -> tuple[Board, AxesImage | None]:
    """One map of `draw_term_maps`, without words; and its heat, None where nothing adds to it."""
    values = cell_values(part, term, level)
    board = show_picture(panel, picture, aspect, strength=STRENGTH)
    most = float(np.nanmax(values, initial=0.0, where=np.isfinite(values)))
    heat = board.axes.imshow(
        np.ma.masked_where((values == 0) | ~np.isfinite(values), values), extent=(0, 1, 1, 0), aspect="auto", cmap=HEAT,
        norm=Normalize(min(0.0, float(values.min(initial=0.0, where=np.isfinite(values)))), most or 1.0),
        interpolation="nearest", label=f"_{term or 'total'}, level {level}",
    )  # fmt: skip
    _grid_lines(board, values.shape)
    if values.any():
        (row, col, _), (rows, cols) = worst_cell(values), values.shape
        frame = np.array([(col + 0.5) / cols, (row + 0.5) / rows, 1 / cols, 1 / rows])
        board.outline(frame, [("white", 3.4), ("black", 2.0)], zorder=3, label="_most")
    _mark_not_finite(board, values)
    for obj in part.objects:
        lines = [("white", 1.8), (INK, 0.8)]
        board.outline(obj.box, lines, linestyle=OUTLINES[obj.state], label=f"_truth {obj.index}")
    return board, heat if most > 0 else None


def cell_values(part: Explanation, term: str | None, level: int) -> Floats:
    """(rows, cols) weighted value of each cell of a level, of one term or of all."""
    found = part.contributions.where(level=level)
    if term is not None:
        found = found.where(term=term)
    values = np.zeros(part.predictions.grids[level])
    np.add.at(values, (found.row, found.col), found.value)
    return values


def worst_cell(values: Floats) -> tuple[int, int, float]:
    """Row, column and value of the largest; of one that is not finite before all others."""
    row, col = np.unravel_index(int(np.nan_to_num(values, nan=np.inf).argmax()), values.shape)
    return int(row), int(col), float(values[row, col])


def _titles(panel: Panel, part: Explanation, term: str | None, level: int, values: Floats) -> None:
    _ = panel.gettext
    total = float(values.sum())

    def title(name: str) -> str:
        text = _("{term}: {value} ({share})").format(
            term=name, value=number(total), share=percent(total, part.total)
        )
        levels = len(part.predictions.grids)
        return text if levels == 1 else joined((_("level {level}").format(level=level), text), panel.language)

    name = _("all terms") if term is None else term_name(term, part.terms, language=panel.language)
    heading = panel.with_name(title, name, MAP_TITLE_SIZE, bold=True)
    note = _("no cell adds to it")
    if values.any():
        row, col, most = worst_cell(values)
        note = _("most in cell ({row},{col}): {value}").format(row=row, col=col, value=number(most))
    panel.write(0, 0, heading, size=MAP_TITLE_SIZE, weight="bold")
    panel.write(0, 0.19, panel.shortened(note, MAP_NOTE_SIZE), size=MAP_NOTE_SIZE, color=FAINT_INK)


def _grid_lines(board: Board, shape: tuple[int, ...]) -> None:
    rows, cols = shape
    lines = [[(0.0, row / rows), (1.0, row / rows)] for row in range(1, rows)]
    lines += [[(col / cols, 0.0), (col / cols, 1.0)] for col in range(1, cols)]
    board.add(LineCollection(lines, colors=FAINT_INK, linewidths=0.25, alpha=0.6, label="_grid"))


def _mark_not_finite(board: Board, values: Floats) -> None:
    """A cross on every cell whose value is not finite."""
    broken = np.argwhere(~np.isfinite(values))
    if len(broken):
        places = ((broken + 0.5) / values.shape)[:, ::-1]
        board.dots(places, marker="X", color=VERMILLION, markeredgecolor="black", label="_not finite")


def _colour_bar(panel: Panel, heat: AxesImage) -> None:
    axes = panel.axes()
    bar = panel.figure.colorbar(heat, cax=axes)
    bar.locator = MaxNLocator(4)
    bar.formatter = TICKS
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    axes.tick_params(labelsize=7, colors=FAINT_INK, width=0.6, length=2)
