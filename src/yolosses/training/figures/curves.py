"""Curves over the optimiser steps of a run: the terms of the loss, their shares, the learning rate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from yolosses.explain.style import FAINT_INK, INK, VERMILLION, line_signs, new_figure, plain_axes
from yolosses.explain.terms import term_name, term_shares
from yolosses.training.figures.shares import stack_shares

Floats = NDArray[np.float64]
TOTAL: Mapping[str, Any] = {"color": INK, "linestyle": "-"}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")  # 0.01, not 10^-2
COUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")


def plot_terms(rows: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Every term of the loss over the optimiser steps, weighted (left) and unweighted (right).

    Faint lines are the values of the single steps, strong ones their running mean. Below lie the share of each
    term in the total, and the learning rate. What a logarithmic axis cannot show (0, NaN) leaves a gap; a loss
    that is not finite is marked at its first step.

    Args:
        rows: the rows of ``log.jsonl`` in the order of the steps. ``step``, ``learning_rate``, ``total``,
            ``terms`` and ``unweighted`` are read, and ``epoch``, ``images``, ``seconds`` where present.
        title: stands above the figure.

    Raises:
        ValueError: if ``rows`` is empty.
    """
    if not rows:
        raise ValueError("rows: expected at least one logged step; got none")
    steps = _column(rows, "step")
    total = _column(rows, "total")
    weighted_terms = _terms(rows, "terms")
    figure = new_figure(12.0, 7.0)
    grid = figure.add_gridspec(3, 2, height_ratios=[0.85, 5.0, 1.5])
    header = figure.add_subplot(grid[0, :])
    weighted = figure.add_subplot(grid[1, 0])
    unweighted = figure.add_subplot(grid[1, 1], sharex=weighted, sharey=weighted)
    share = figure.add_subplot(grid[2, 0], sharex=weighted)
    rate = figure.add_subplot(grid[2, 1], sharex=weighted)
    for axes in (weighted, unweighted, share, rate):
        plain_axes(axes)

    weighted.set_yscale("log", nonpositive="mask")
    _line(weighted, steps, total, "total", width=2.6)
    _term_lines(weighted, steps, weighted_terms)
    _heading(weighted, "weighted terms, which the optimiser sees")
    _term_lines(unweighted, steps, _terms(rows, "unweighted"))
    _heading(unweighted, "unweighted terms, before the lambdas (same scale)")
    for axes in (weighted, unweighted):
        axes.yaxis.set_major_formatter(PLAIN)
        axes.tick_params(labelbottom=False)
        _mark_not_finite(axes, steps, total)
        _epochs_above(axes, rows)
    _shares(share, steps, weighted_terms)
    _line(rate, steps, _column(rows, "learning_rate"), "learning rate", width=1.6, smooth=False)
    rate.set_ylim(bottom=0.0)
    rate.yaxis.set(major_locator=MaxNLocator(3), major_formatter=PLAIN)
    _heading(rate, "learning rate")
    for axes in (share, rate):
        axes.set_xlabel("optimiser step", fontsize=9, color=FAINT_INK)
    weighted.set_xlim((steps[0], steps[-1]) if len(steps) > 1 else (steps[0] - 1, steps[0] + 1))
    weighted.xaxis.set(major_locator=MaxNLocator(6, integer=True), major_formatter=COUNT)

    header.set_axis_off()
    header.text(0.0, 1.0, title, fontsize=15, fontweight="bold", color=INK, va="top")
    header.text(0.0, 0.6, _extent(rows), fontsize=9.5, color=FAINT_INK, va="top")
    handles, labels = weighted.get_legend_handles_labels()
    header.legend(
        handles, labels, loc="lower left", ncols=len(labels), frameon=False, fontsize=9.5, handlelength=3.6,
        columnspacing=1.8, borderaxespad=0.0, borderpad=0.0,
    )  # fmt: skip
    return figure


def _terms(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Floats]:
    return {name: _column([row[key] for row in rows], name) for name in rows[0]["terms"]}


def _term_lines(axes: Axes, steps: Floats, terms: Mapping[str, Floats]) -> None:
    for index, (name, values) in enumerate(terms.items()):
        _line(axes, steps, values, term_name(name, terms), signs=line_signs(index), width=1.9, phase=index)


def _short_label(name: str, terms: Mapping[str, Any]) -> str:
    """The number of a term in YOLOv1's formula, and where it has none its own name."""
    first_word = term_name(name, terms).split(" ")[0]
    return first_word if first_word[0].isdigit() else name


def _shares(axes: Axes, steps: Floats, terms: Mapping[str, Floats]) -> None:
    """What part of the total each term has, smoothed; wide areas carry the number of their term."""
    smooth = {name: _running_mean(values) for name, values in terms.items()}
    names = {name: _short_label(name, terms) for name in terms}
    stack_shares(axes, steps, term_shares(smooth), names=names, font_size=8.5)
    axes.set_yticks([0, 50, 100], ["0", "50", "100 %"])
    _heading(axes, "share of the total")


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=INK)


def _extent(rows: Sequence[Mapping[str, Any]]) -> str:
    """How long the run was, as far as the log tells."""
    last = rows[-1]
    parts = [
        f"{last[key]:,} {word}{'' if last[key] == 1 else 's'}"
        for key, word in (("step", "optimiser step"), ("images", "picture"), ("epoch", "epoch"))
        if key in last
    ]
    if "seconds" in last:
        minutes, seconds = divmod(round(last["seconds"]), 60)
        parts.append(f"{minutes} min {seconds:02d} s")
    return ", ".join(parts)


def _epochs_above(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """A second axis on top: ticks where an epoch is complete."""
    ends = {row["epoch"]: row["step"] for row in rows if "epoch" in row}
    if len(ends) < 2:
        return
    epochs = np.array(list(ends), np.float64)
    chosen = MaxNLocator(6, integer=True).tick_values(0, epochs[-1])
    chosen = chosen[(epochs[0] <= chosen) & (chosen <= epochs[-1])]
    places = np.interp(chosen, epochs, list(ends.values()))
    above = axes.secondary_xaxis("top")
    above.set_xticks(places, [f"{'epoch ' if epoch == chosen[0] else ''}{epoch:.0f}" for epoch in chosen])
    above.tick_params(colors=FAINT_INK, labelsize=8, length=3, width=0.8)
    above.spines["top"].set_visible(False)


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> Floats:
    return np.array([np.nan if row[key] is None else row[key] for row in rows], np.float64)


def _line(
    axes: Axes,
    steps: Floats,
    values: Floats,
    label: str,
    *,
    width: float,
    signs: Mapping[str, Any] = TOTAL,
    smooth: bool = True,
    phase: int = 0,
) -> None:
    """The single steps faintly, their running mean strongly; markers sit at other steps for every ``phase``."""
    if len(values) == 1:  # a line of one point is invisible
        signs = {"marker": "o", **signs}
    faint = {"color": signs["color"], "linewidth": 0.6, "alpha": 0.22, "zorder": 2}
    axes.plot(steps, values, **faint, label=f"_{label}, single steps")
    apart = max(1, len(values) // 7)
    markers = (apart * (2 * phase + 1) // 10, apart)
    means = _running_mean(values) if smooth else values
    axes.plot(steps, means, **signs, linewidth=width, zorder=3, markevery=markers, label=label)


def _running_mean(values: Floats) -> Floats:
    """Mean over a fortieth of the steps around each; fewer at the ends and where values are not finite."""
    window = max(1, len(values) // 40)
    window += 1 - window % 2
    valid = np.isfinite(values)
    kernel = np.ones(window)
    sums = np.convolve(np.where(valid, values, 0.0), kernel, "same")
    counts = np.convolve(valid.astype(np.float64), kernel, "same")
    means: Floats = np.divide(sums, counts, out=np.full(len(values), np.nan), where=valid)
    return means


def _mark_not_finite(axes: Axes, steps: Floats, total: Floats) -> None:
    broken = np.flatnonzero(~np.isfinite(total))
    if not broken.size:
        return
    first = steps[broken[0]]
    axes.axvline(first, color=VERMILLION, linewidth=1.4, linestyle=":")
    axes.annotate(
        f"not finite at step {first:,.0f}", (first, 1.0), xycoords=("data", "axes fraction"), xytext=(-4, -4),
        textcoords="offset points", rotation=90, ha="right", va="top", fontsize=8.5, color=VERMILLION,
    )  # fmt: skip
