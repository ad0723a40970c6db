"""``inspection.html``: what the doctor found in a data set."""

from __future__ import annotations

from markupsafe import Markup

from yolosses.apps.pages.charts.histogram import histogram, histogram_of
from yolosses.apps.pages.charts.occupancy import occupancy
from yolosses.apps.pages.charts.sides import sides, sides_of
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.marked_picture import pictures_of
from yolosses.apps.pages.render import render
from yolosses.apps.pages.views import inspection as views
from yolosses.language import Language, catalogue, joined
from yolosses.studies.doctor import GridFit, Inspection
from yolosses.studies.doctor.summary import (
    alike_classes,
    inspection_title,
    looked_at,
    objects_in_a_picture,
    verdicts,
)
from yolosses.training.data import DetectionDataset


def inspection_page(inspection: Inspection, dataset: DetectionDataset, *, language: Language) -> str:
    """The page, as html.

    Args:
        dataset: the one that was examined: its pictures are shown.
    """
    used, unused = views.classes(inspection)
    summary_of_problems, problems = views.problems(inspection, language)
    summary_of_odd, drawn, undrawn = views.odd_boxes(inspection, dataset, language)
    return render(
        "inspection.html",
        language,
        title=inspection_title(inspection, language=language),
        inspection=inspection,
        verdicts=verdicts(inspection, language=language),
        folder=str(views.folder_of(inspection)),
        faults=views.faults(inspection, dataset, language),
        lost_most={
            grid.grid: joined((f"{n} {count}" for n, count in views.lost_most(inspection, grid)), language)
            for grid in inspection.grids
        },
        maps=[_map(grid, language) for grid in inspection.grids],
        sides=_sides(inspection, language),
        sizes=views.sizes(inspection, language),
        terms=views.terms(inspection, language),
        objects_in_a_picture=objects_in_a_picture(inspection, language=language),
        histogram=_histogram(inspection, language),
        used=used[: views.CLASSES],
        rarer=used[views.CLASSES :],
        unused=joined(unused, language),
        alike=alike_classes(inspection, language=language),
        summary_of_problems=summary_of_problems,
        problems=problems,
        looked_at=looked_at(inspection, language=language),
        summary_of_odd=summary_of_odd,
        odd=drawn,
        odd_too=undrawn,
        groups=views.groups(inspection, dataset, language),
        names=lambda indices: [inspection.picture_names[index] for index in indices],
        joined=lambda parts: joined(parts, language),
        marked=pictures_of(dataset),
        most=views.FINDINGS,
    )


def _map(grid: GridFit, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = occupancy(grid.occupancy, title=_("S = {grid}: centres in each cell").format(grid=grid.grid))
    alt = _("How many objects have their centre in each cell, S = {grid}").format(grid=grid.grid)
    return figure_svg(figure, alt=alt)


def _sides(inspection: Inspection, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = sides(
        sides_of(inspection.relative_sides, [grid.grid for grid in inspection.grids]),
        width=_("width"),
        height=_("height"),
        x_title=_("side of the object, share of the picture's (logarithmic)"),
        y_title=_("objects"),
    )
    alt = _("Histogram of the widths and heights of the objects, with the sides of the cells of each grid")
    return figure_svg(figure, alt=alt)


def _histogram(inspection: Inspection, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = histogram(
        histogram_of(inspection.counts.sum(1)), x_title=_("objects in a picture"), y_title=_("pictures")
    )
    alt = _("Histogram: how many pictures have how many objects")
    return figure_svg(figure, alt=f"{alt}. {objects_in_a_picture(inspection, language=language)}")
