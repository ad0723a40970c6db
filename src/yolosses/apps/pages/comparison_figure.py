"""Several losses in one picture: mean average precision on the way, and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from yolosses.explain.style import FAINT_INK, INK, colour_of, line_signs, new_figure, plain_axes
from yolosses.studies.comparison import ComparedLoss, Comparison, Point, Score

TITLES: tuple[tuple[Score, str], ...] = (("map50", "mAP50"), ("map50_95", "mAP50:95"))


def comparison_figure(comparison: Comparison) -> Figure:
    """mAP50 and mAP50:95 of every loss over the minutes of training, or over the pictures seen where the budget is a
    number of epochs. Lines are means over the seeds, their bands reach from the lowest to the highest; the losses stand
    beside them by their last values.

    Raises:
        ValueError: if there is no run.
    """
    if not comparison.runs:
        raise ValueError("comparison: expected at least one run; got none")
    by_time = "minutes" in comparison.budget
    figure = new_figure(12.0, 4.9)
    names = sorted({run.loss for run in comparison.runs}, key=_order)
    signs = {loss: index for index, loss in enumerate(names)}
    both = figure.subplots(1, 2, sharex=True)
    for axes, (score, title) in zip(both, TITLES, strict=True):
        plain_axes(axes)
        for loss in comparison.ranked():
            _draw(axes, loss, score, by_time, signs[loss.loss])
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        seen = "minutes of training" if by_time else "pictures seen in training"
        axes.set_xlabel(seen, fontsize=9, color=FAINT_INK)
        axes.legend(
            handles=sorted(axes.get_lines(), key=lambda line: -line.get_ydata()[-1]), loc="upper left",
            bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9, handlelength=3.6, borderaxespad=0.0,
        )  # fmt: skip
    title = f"{comparison.data}, {comparison.eval_split}: losses with the same budget"
    figure.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
    return figure


def _order(name: str) -> tuple[int, str]:
    """v2 before v10."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else 1000, name)


def _draw(axes: Axes, loss: ComparedLoss, score: Score, by_time: bool, sign: int) -> None:
    """One line."""
    places = [_of(points, score, by_time) for points in loss.points()]
    known = [place for place in places if place is not None]
    if not known:
        return
    x, mean, low, high = zip(*known, strict=True)
    if len(loss.runs) > 1:
        axes.fill_between(x, low, high, color=colour_of(sign), alpha=0.15, linewidth=0)
    axes.plot(x, mean, **line_signs(sign), linewidth=1.9, label=f"{loss.loss} {mean[-1]:.3f}")


def _of(points: Sequence[Point], score: Score, by_time: bool) -> tuple[float, float, float, float] | None:
    """x, mean, lowest and highest score of the runs at one place."""
    values = [value for point in points if (value := getattr(point, score)) is not None]
    if not values:
        return None
    x = fmean(point.seconds / 60 if by_time else point.images for point in points)
    return x, fmean(values), min(values), max(values)
