"""Everything about one picture on one sheet."""

from __future__ import annotations

from matplotlib.figure import Figure

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.bars import bars_panel
from yolosses.explain.pictures.board import Picture, aspect_of, fitted, require_picture
from yolosses.explain.pictures.boxes import boxes_legend, boxes_panel
from yolosses.explain.pictures.maps import maps_height, maps_panel
from yolosses.explain.pictures.panel import HEADER, legend_height, new_panel
from yolosses.explain.pictures.pull import pull_legend, pull_panel
from yolosses.language import Language

PICTURE = 7.4  # inches, like the next: a picture's longer side
BARS, LEAST_BARS, GAP = 5.0, 4.2, 0.4


def explain_picture(
    explanation: Explanation, image: int, picture: Picture | None, *, language: Language = "en"
) -> Figure:
    """`draw_boxes` and `draw_pull` side by side, below them `draw_term_bars` and `draw_term_maps`.

    Args:
        image: index in the batch.
        picture: (H, W, 3) uint8 RGB, or None for a grey board.

    Raises:
        ValueError: no such image, no such picture, or no font for ``language``.
    """
    require_picture(picture)
    part = explanation.of_image(image)
    _, height = fitted(aspect_of(picture, part.predictions.grids[0]), PICTURE, PICTURE)
    lines = max(len(boxes_legend(part, image, language)), len(pull_legend(part, image, language)))
    upper = HEADER + height + legend_height(lines)
    width = 2 * PICTURE + GAP
    maps = width - BARS - GAP
    below = maps_height(part, picture, maps)
    lower = max(LEAST_BARS, below)
    panel = new_panel(width, upper + GAP + lower, language)
    boxes_panel(panel.part(0, 0, PICTURE, upper), part, image, picture)
    pull_panel(panel.part(PICTURE + GAP, 0, PICTURE, upper), part, image, picture)
    bars_panel(panel.part(0, upper + GAP, BARS, lower), part, whole=explanation.total)
    maps_panel(panel.part(BARS + GAP, upper + GAP, maps, below), part, image, picture)
    return panel.finish()
