"""One picture of a report in detail: where in it each term comes from, and where the loss pulls the predicted boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.render import render
from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.arrows import APRON
from yolosses.explain.pictures.board import fitted
from yolosses.explain.pictures.maps import cell_values, show_map, worst_cell
from yolosses.explain.pictures.panel import Panel, new_panel
from yolosses.explain.pictures.pull import Pull, show_pull
from yolosses.explain.terms import term_name
from yolosses.language import Language, catalogue

MAP_SIDE, PULL_SIDE = 3.5, 8.0  # inches, of the longer side
DPI = 80  # of the picture below


@dataclass(frozen=True, kw_only=True)
class MapView:
    """Where a term, or (None) the whole loss, comes from.

    Attributes:
        index: of the term in the loss. peak: row, column and value of the worst cell, None where nothing adds to it.
    """

    index: int | None
    name: str
    value: float
    peak: tuple[int, int, float] | None
    drawn: Markup


def picture_in_detail(explanation: Explanation, picture: NDArray[np.uint8], *, language: Language) -> Markup:
    """The maps and the pull of one picture.

    Args:
        explanation: of this picture alone, image 0.
        picture: (H, W, 3) uint8 RGB in the frame of the network's input.
    """
    said = catalogue(language).gettext("Where the loss pulls the predicted boxes")
    panel = _bare(picture, PULL_SIDE, APRON)
    show_pull(panel, explanation, 0, picture)
    html = render(
        "_picture_maps.html",
        language,
        total=explanation.total,
        grids=explanation.predictions.grids,
        maps=partial(maps, explanation, picture, language=language),
        pull=figure_svg(panel.figure, alt=said),
        strongest=Pull.of(explanation, 0).strongest,
    )
    return Markup(html)


def maps(
    explanation: Explanation, picture: NDArray[np.uint8], level: int, *, language: Language
) -> list[MapView]:
    """The maps of a level: each term, then all of them."""
    every, found = catalogue(language).gettext("all terms"), []
    for index, term in enumerate((*explanation.terms, None)):
        values = cell_values(explanation, term, level)
        if not values.any() and len(explanation.predictions.grids) > 1:
            continue  # the other head's terms, and levels that nothing is assigned to
        name = every if term is None else term_name(term, explanation.terms, language=language)
        panel = _bare(picture, MAP_SIDE, 0.02)
        show_map(panel, explanation, term, level, picture, panel.height / panel.width)
        found.append(
            MapView(
                index=None if term is None else index,
                name=name,
                value=float(values.sum()),
                peak=worst_cell(values) if values.any() else None,
                drawn=figure_svg(panel.figure, alt=name),
            )
        )
    return found


def _bare(picture: NDArray[np.uint8], side: float, margin: float) -> Panel:
    """A panel for the picture alone; the words around it are the page's, and need no font here."""
    width, height = fitted(picture.shape[0] / picture.shape[1], side, side)
    panel = new_panel(width, height, "en", margin=margin)
    panel.figure.set_dpi(DPI)
    return panel
