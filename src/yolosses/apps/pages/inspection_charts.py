"""Charts of an inspection in svg. Numbers that a chart shows also stand in its ``data-`` attributes.

Nothing is told by colour alone: widths and heights differ in line style, heat maps carry numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from yolosses.apps.pages.page import Html

STYLE = """
.chart .fill { fill: #56b4e9; stroke: #0072b2; }
.chart .solid { fill: none; stroke: #1a1a1a; stroke-width: 2; }
.chart .dashed { fill: none; stroke: #0072b2; stroke-width: 2; stroke-dasharray: 6 3; }
.chart .mark { stroke: #d55e00; stroke-width: 1.4; stroke-dasharray: 2 3; }
.chart text.mark-name { fill: #a34700; stroke: #fff; stroke-width: 4; paint-order: stroke; font-weight: 600; }
.chart text.small { font-size: 10.5px; }
.bar-cell rect { fill: #56b4e9; stroke: #0072b2; }
.bar-cell rect.warm { fill: #f0b27a; stroke: #d55e00; }
"""

_LEFT, _TOP, _BOTTOM = 46, 22, 40
_COLUMNS = 30  # of a histogram at most
_NUMBERED = 22  # pixels: cells of a map that are wide enough for a number
_RATIO = 10 ** (1 / 8)  # of neighbouring edges in a histogram of sides


def bar(value: float, longest: float, *, width: int = 220, warm: bool = False) -> Html:
    """A bar for a cell of a table."""
    length = (width - 1) * value / longest if longest > 0 else 0.0
    kind = ' class="warm"' if warm else ""
    return Html(
        f'<svg class="bar-cell" width="{width}" height="14" viewBox="0 0 {width} 14" aria-hidden="true">'
        f'<rect{kind} x="0.5" y="1.5" width="{length:.1f}" height="11" data-value="{value:g}"/></svg>'
    )


def counts_histogram(
    counts: NDArray[np.int64], *, x_title: str, y_title: str, alt: str, width: int = 520
) -> Html:
    """How many pictures have how many objects: a bar for each number, or for each few numbers where there are many."""
    most = int(counts.max(initial=0))
    step = max(1, -(-(most + 1) // _COLUMNS))
    columns = most // step + 1
    heights = np.bincount(counts // step, minlength=columns)
    height, tallest = 190, max(int(heights.max(initial=0)), 1)
    slot = (width - _LEFT - 8) / columns
    bars, names = [], []
    every = max(1, -(-columns // (14 if step == 1 else 9)))
    for index, count in enumerate(heights.tolist()):
        first, last = index * step, index * step + step - 1
        x, length = _LEFT + index * slot, height * count / tallest
        name = str(first) if step == 1 else f"{first}–{last}"
        bars.append(
            f'<rect class="fill" x="{x + slot * 0.08:.1f}" y="{_TOP + height - length:.1f}" width="{slot * 0.84:.1f}" '
            f'height="{length:.1f}" data-first="{first}" data-last="{last}" data-count="{count}">'
            f"<title>{name}: {count}</title></rect>"
        )
        if count and slot >= 18:
            names.append(_text(x + slot / 2, _TOP + height - length - 4, str(count), "middle", "small"))
        if index % every == 0:
            names.append(_text(x + slot / 2, _TOP + height + 15, name, "middle"))
    return _chart(width, height, "".join(bars) + "".join(names), x_title=x_title, y_title=y_title, alt=alt)


def sides_chart(
    sides: NDArray[np.float64],
    grids: Sequence[int],
    *,
    names: tuple[str, str],
    cell: str,
    x_title: str,
    y_title: str,
    alt: str,
    width: int = 760,
) -> Html:
    """Widths (solid) and heights (dashed) of the objects on a logarithmic axis, beside the cells of each grid.

    Args:
        sides: (O, 2) fractions of the picture. grids: S of each grid.
        names: of the two lines. cell: ``{grid}`` in it is replaced by S.
    """
    height, top = 220, 60  # names of the grids stand above the lines
    lowest = min(float(sides.min(initial=1.0)), 0.5 / max(grids))
    steps = int(np.ceil(np.log(1 / lowest) / np.log(_RATIO) - 1e-9))
    edges = _RATIO ** np.arange(-steps, 1, dtype=np.float64)
    heights = [np.histogram(sides[:, axis].clip(edges[0], 1.0), edges)[0] for axis in (0, 1)]
    tallest = max(int(max(h.max(initial=0) for h in heights)), 1)
    span = width - _LEFT - 28

    def at(value: float) -> float:
        return float(_LEFT + span * (1 + np.log(value) / (steps * np.log(_RATIO))))

    drawn = []
    for kind, counts in zip(("solid", "dashed"), heights, strict=True):
        points = []
        for index, count in enumerate(counts.tolist()):
            y = top + height * (1 - count / tallest)
            points += [f"{at(edges[index]):.1f},{y:.1f}", f"{at(edges[index + 1]):.1f},{y:.1f}"]
        values = " ".join(map(str, counts.tolist()))
        drawn.append(f'<polyline class="{kind}" points="{" ".join(points)}" data-counts="{values}"/>')
    for rank, grid in enumerate(sorted(grids)):
        x = at(1 / grid)
        drawn.append(f'<path class="mark" d="M{x:.1f} {top - 8}V{top + height}" data-grid="{grid}"/>')
        drawn.append(_text(x, 34 + 13 * (rank % 2), cell.format(grid=grid), "middle", "mark-name"))
    for value in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        if value >= edges[0]:
            drawn.append(_text(at(value), top + height + 15, f"{100 * value:g} %", "middle"))
            drawn.append(f'<path class="axis" d="M{at(value):.1f} {top + height}v4"/>')
    for kind, name, x in zip(("solid", "dashed"), names, (_LEFT + 10, _LEFT + 110), strict=True):
        drawn.append(f'<path class="{kind}" d="M{x} 9h26"/>' + _text(x + 32, 13, name, "start"))
    return _chart(
        width, height, "".join(drawn), x_title=x_title, y_title=y_title, alt=alt, top_value=tallest, top=top
    )


def occupancy_map(occupancy: NDArray[np.int64], *, title: str, alt: str, width: int = 250) -> Html:
    """How many objects have their centre in each cell, over all pictures: the darker, the more."""
    rows, cols = occupancy.shape
    most = max(int(occupancy.max(initial=0)), 1)
    side = (width - 2) / cols
    line = "#fff" if side >= _NUMBERED else "#dfe3e8"
    cells = []
    for row in range(rows):
        for col in range(cols):
            count = int(occupancy[row, col])
            share = count / most
            shade = round(255 - 215 * share)
            x, y = 1 + col * side, 22 + row * side
            cells.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" '
                f'fill="rgb({shade},{min(255, shade + 12)},{min(255, shade + 30)})" stroke="{line}" '
                f'data-count="{count}">'
                f"<title>({row}, {col}): {count}</title></rect>"
            )
            if side >= _NUMBERED:
                ink = "#fff" if share > 0.5 else "#1a1a1a"
                cells.append(
                    f'<text class="small" x="{x + side / 2:.1f}" y="{y + side / 2 + 4:.1f}" text-anchor="middle" '
                    f'style="fill:{ink}">{count}</text>'
                )
    total = round(22 + rows * side + 2)
    return Html(
        f'<svg class="chart" viewBox="0 0 {width} {total}" width="{width}" height="{total}" role="img" '
        f'aria-label="{escape(alt)}">{_text(1, 14, title, "start", "mark-title")}{"".join(cells)}</svg>'
    )


def _chart(
    width: int,
    height: int,
    drawn: str,
    *,
    x_title: str,
    y_title: str,
    alt: str,
    top_value: int | None = None,
    top: int = _TOP,
) -> Html:
    bottom = top + height
    scale = "" if top_value is None else _text(_LEFT - 6, top + 4, f"{top_value:,}", "end")
    return Html(
        f'<svg class="chart" viewBox="0 0 {width} {bottom + _BOTTOM}" width="{width}" height="{bottom + _BOTTOM}" '
        f'role="img" aria-label="{escape(alt)}"><path class="axis" d="M{_LEFT} {bottom}H{width - 4}"/>{drawn}{scale}'
        f"{_text(_LEFT + (width - _LEFT) / 2, bottom + 34, x_title, 'middle')}"
        f'<text transform="translate(14 {top + height / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text></svg>"
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
