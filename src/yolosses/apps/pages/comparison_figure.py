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
LABEL = 8.5  # points
APART = 12.0  # points between two labels


def comparison_figure(comparison: Comparison) -> Figure:
    """mAP50 and mAP50:95 of every loss over the minutes of training, or over the pictures seen where the budget is a
    number of epochs. Lines are means over the seeds, their bands reach from the lowest to the highest; every line bears
    the name of its loss and its last value.

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
        ends = [(loss, *_draw(axes, loss, score, by_time, signs[loss.loss])) for loss in comparison.ranked()]
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        seen = "minutes of training" if by_time else "pictures seen in training"
        axes.set_xlabel(seen, fontsize=9, color=FAINT_INK)
        _name(axes, ends, signs)
    title = f"{comparison.data}, {comparison.eval_split}: losses with the same budget"
    figure.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
    return figure


def _order(name: str) -> tuple[int, str]:
    """v2 before v10."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else 1000, name)


def _draw(
    axes: Axes, loss: ComparedLoss, score: Score, by_time: bool, sign: int
) -> tuple[float, float | None]:
    """One line; returns where it ends."""
    places = [_of(points, score, by_time) for points in loss.points()]
    known = [place for place in places if place is not None]
    if not known:
        return 0.0, None
    x, mean, low, high = zip(*known, strict=True)
    colour = colour_of(sign)
    if len(loss.runs) > 1:
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, mean, **line_signs(sign), linewidth=1.9, label=loss.loss)
    return x[-1], mean[-1]


def _of(points: Sequence[Point], score: Score, by_time: bool) -> tuple[float, float, float, float] | None:
    """x, mean, lowest and highest score of the runs at one place."""
    values = [value for point in points if (value := getattr(point, score)) is not None]
    if not values:
        return None
    x = fmean(point.seconds / 60 if by_time else point.images for point in points)
    return x, fmean(values), min(values), max(values)


def _name(
    axes: Axes, ends: Sequence[tuple[ComparedLoss, float, float | None]], signs: dict[str, int]
) -> None:
    """The names and last values, beside the ends of the lines, moved apart where they would cover each other."""
    shown = sorted((y, x, loss.loss) for loss, x, y in ends if y is not None)
    if not shown:
        return
    top = max(1.06 * axes.get_ylim()[1], 0.01)
    axes.set_ylim(0.0, top)
    height = 72 * axes.get_figure().get_size_inches()[1] * 0.72  # type: ignore[union-attr]  # about, in points
    end = max(x for _, x, _ in shown)
    axes.set_xlim(right=1.03 * end)
    wanted = [y / top * height for y, _, _ in shown]
    placed = _apart(wanted, APART)
    for (y, x, name), at in zip(shown, placed, strict=True):
        leader = {"color": colour_of(signs[name]), "linewidth": 0.8, "shrinkA": 1, "shrinkB": 4}
        axes.annotate(
            f"{name} {y:.3f}", (x, y), xytext=(1.06 * end, at / height * top), fontsize=LABEL, fontweight="bold",
            color=INK, va="center", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "relpos": (0.0, 0.5), **leader},
        )  # fmt: skip


def _apart(wanted: Sequence[float], distance: float) -> list[float]:
    """Places in rising order from 0 up, ``distance`` or more from each other, around those wanted."""

    def lowest(group: Sequence[float]) -> float:
        return max(fmean(group) - distance * (len(group) - 1) / 2, 0.0)

    groups: list[list[float]] = []  # of places that would touch: they share their middle
    for place in wanted:
        group = [place]
        while groups and lowest(group) < lowest(groups[-1]) + distance * len(groups[-1]):
            group = groups.pop() + group
        groups.append(group)
    return [lowest(group) + index * distance for group in groups for index in range(len(group))]
