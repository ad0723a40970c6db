"""Charts of what the runs of a few settings did: how scores and boxes agree, and what the loss consisted of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from yolosses.apps.pages.charts.axis import number_names
from yolosses.apps.pages.charts.study import Calibration, CalibrationChart, ShareChart
from yolosses.apps.pages.figure import letters_width
from yolosses.apps.pages.study_scales import (
    DASHES,
    Scale,
    chart,
    clear_names,
    letters,
    marker,
    ticks,
)
from yolosses.explain.style import colour_of, ink_on

FEW = 20  # detections: a point from fewer is hollow
_POINTS = 60  # of a history
_NAMED = 0.13  # share of an area that carries its name
_SIDE = 268.0
_WIDTH, _HEIGHT = 268.0, 268.0


def calibration_chart(shown: CalibrationChart) -> Markup:
    """IoU against score, a line a setting, and the diagonal."""
    lines, default, titles, exact, alt = shown.lines, shown.default, shown.titles, shown.exact, shown.alt
    left, top, right, bottom = 46.0, 30.0, _SIDE - 10, _SIDE - 46
    highest = max(
        (score for line in lines for score in line.score), default=1.0
    )  # nothing keeps a score below 1
    across = Scale(low=0.0, high=max(1.0, highest), start=left, end=right)
    upward = Scale(low=0.0, high=1.0, start=bottom, end=top)
    drawn = [letters(12, 15, titles[0], kind="title")]
    numbers = [0.0, 0.25, 0.5, 0.75, 1.0]
    for number in numbers:
        x, y = across.at(number), upward.at(number)
        drawn.append(
            f'<path class="{"axis" if not number else "rule"}" d="M{left} {y}H{right}M{x} {bottom}V{top}"/>'
        )
        drawn.append(letters(left - 6, y + 4, f"{number:g}", "end"))
        drawn.append(letters(x, bottom + 16, f"{number:g}", "middle"))
    drawn.append(f'<path class="diagonal" d="M{left} {bottom}L{across.at(1.0):.1f} {top}"/>')
    for index, line in enumerate(lines):
        at = [(across.at(s), upward.at(i)) for s, i in zip(line.score, line.iou, strict=True)]
        ink = colour_of(index)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        drawn.append(
            f'<polyline class="path" points="{points}" stroke="{ink}" stroke-dasharray="{DASHES[index % len(DASHES)]}" '
            f'data-line="{escape(line.name)}"/>'
        )
        for (x, y), score, iou, count in zip(at, line.score, line.iou, line.count, strict=True):
            drawn.append(
                f'<g data-score="{score!r}" data-iou="{iou!r}" data-count="{count}"><title>{escape(line.name)}: '
                f"{score:.2f}, IoU {iou:.2f} (n = {count:,})</title>"
                f"{marker(index, x, y, ink, radius=3.8, hollow=count < FEW)}</g>"
            )
    drawn.append(_line_legend(lines, default, right, bottom))
    slope = math.degrees(math.atan2(top - bottom, across.at(1.0) - left))
    drawn.append(
        f'<text class="hint" text-anchor="middle" transform="translate({across.at(0.6) + 9:.1f} '
        f'{upward.at(0.6) + 9:.1f}) rotate({slope:.1f})">{escape(exact)}</text>'
    )
    drawn.append(letters((left + right) / 2, bottom + 34, titles[1], "middle"))
    drawn.append(letters(13, (top + bottom) / 2, titles[2], "middle", turned=True))
    return chart(_SIDE, _SIDE, "".join(drawn), alt=alt)


def _line_legend(lines: Sequence[Calibration], default: str | None, right: float, bottom: float) -> str:
    """In the lower right: high scores are seldom of boxes that fit nothing."""
    width = 40 + max(letters_width(line.name, 12) for line in lines)
    x, y = right - width + 2, bottom - 17 * len(lines) + 4
    drawn = [
        f'<rect x="{x - 4:.1f}" y="{y - 11:.1f}" width="{width:.1f}" height="{17 * len(lines) + 3}" fill="#fff" '
        'fill-opacity="0.85"/>'
    ]
    for index, line in enumerate(lines):
        ink, height = colour_of(index), y + 17 * index
        dash = DASHES[index % len(DASHES)]
        kind = "strong" if line.name == default else ""
        drawn.append(
            f'<path class="path" d="M{x:.1f} {height}h26" stroke="{ink}" stroke-dasharray="{dash}"/>'
            + marker(index, x + 13, height, ink, radius=3.8)
            + letters(x + 32, height + 4, line.name, kind=kind)
        )
    return "".join(drawn)


def share_areas(shown: ShareChart) -> Markup:
    """Shares of the terms over the steps, stacked to 100 %."""
    found, told, title, x_title, alt = shown.history, shown.told, shown.title, shown.x_title, shown.alt
    left, top, right, bottom = 44.0, 28.0, _WIDTH - 12, _HEIGHT - 40
    across = Scale(low=found.steps[0], high=found.steps[-1], start=left, end=right)
    upward = Scale(low=0.0, high=1.0, start=bottom, end=top)
    floor = [0.0] * len(found.steps)
    areas, names = [], []
    for index, (term, values) in enumerate(found.shares.items()):
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        outline = [(step, height) for step, height in zip(found.steps, ceiling, strict=True)]
        outline += reversed(list(zip(found.steps, floor, strict=True)))
        points = " ".join(f"{across.at(step):.1f},{upward.at(height):.1f}" for step, height in outline)
        areas.append(
            f'<polygon data-term="{escape(term)}" data-last="{values[-1]!r}" points="{points}" '
            f'fill="url(#fill-{index})" stroke="#fff" stroke-width="0.8"><title>{escape(told[term])}</title></polygon>'
        )
        names.append(_area_name(term, index, values, floor, across, upward, found.steps))
        floor = ceiling
    numbers = [0.0, 0.5, 1.0]
    marks = [(across.at(number), name) for number, name in _step_names(across)]
    drawn = [letters(12, 15, title, kind="title")]
    drawn += [*areas, *names]
    drawn += [
        letters(left - 6, upward.at(share) + 4, f"{share:.0%}".replace("%", " %"), "end") for share in numbers
    ]
    drawn += [letters(x, bottom + 15, name, "middle") for x, name in clear_names(marks)]
    drawn.append(letters((left + right) / 2, bottom + 33, x_title, "middle"))
    return chart(_WIDTH, _HEIGHT, "".join(drawn), alt=alt)


def _step_names(across: Scale) -> list[tuple[float, str]]:
    numbers = ticks(across, most=4)
    names = [f"{number:,.0f}" for number in numbers] if across.high >= 10 else number_names(numbers)
    return list(zip(numbers, names, strict=True))


def _area_name(
    label: str,
    index: int,
    values: Sequence[float],
    floor: Sequence[float],
    across: Scale,
    upward: Scale,
    steps: Sequence[float],
) -> str:
    """Where the area is about tallest, away from the frame."""
    half = letters_width(label, 11.5) / 2 + 4
    inner = [i for i, step in enumerate(steps) if across.start + half < across.at(step) < across.end - half]
    tallest = max((values[i] for i in inner), default=0.0)
    if tallest < _NAMED:
        return ""
    middle = len(steps) / 2
    at = min((i for i in inner if values[i] >= 0.95 * tallest), key=lambda i: abs(i - middle))
    x, y = across.at(steps[at]), upward.at(floor[at] + values[at] / 2)
    solid = colour_of(index)
    return (
        f'<rect x="{x - half:.1f}" y="{y - 8:.1f}" width="{2 * half:.1f}" height="16" rx="3" fill="{solid}"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" style="fill:{ink_on(solid)};font-weight:600;'
        f'font-size:11.5px">{escape(label)}</text>'
    )
