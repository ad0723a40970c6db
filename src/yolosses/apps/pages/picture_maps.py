"""One picture of a report in detail: where in it each term comes from, and where the loss pulls the predicted boxes.

Light enough to be made in an instant; `yolosses.explain.pictures` draws the same numbers for papers and notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.picture_data import picture_data
from yolosses.apps.pages.report_texts import Texts, texts
from yolosses.apps.pages.term_marks import swatch
from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.captions import captions, number, percent
from yolosses.language import Language

STYLE = """
.maps { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 16px 20px; margin: .6rem 0 1.2rem; }
.maps:has(figure:nth-child(4):last-child) { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.maps figure, .pull { margin: 0; break-inside: avoid; }
.pull { max-width: 860px; }
.maps figcaption, .pull figcaption { margin: 0 0 .25rem; color: var(--ink); line-height: 1.35; }
.maps figcaption small { color: var(--faint); display: block; }
.map { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line); }
.map path, .map rect { vector-effect: non-scaling-stroke; }
.map .heat { fill: #8b0000; }
.map .grid { fill: none; stroke: #1a1a1a; stroke-opacity: .16; stroke-width: .6; }
.map .object { fill: none; stroke: #1a1a1a; stroke-width: 1; }
.map .peak { fill: none; stroke: #000; stroke-width: 2.6; }
.map .pulled { fill: none; stroke: #0072b2; stroke-width: 1.2; }
.map .halo { fill: #fff; stroke: #fff; }
.map .centre { fill: #0072b2; stroke: #0072b2; }
.map .size { fill: #d55e00; stroke: #d55e00; }
.map .rise { fill: #009e73; stroke: #fff; stroke-width: .8; }
.map .fall { fill: #1a1a1a; stroke: #fff; stroke-width: .8; }
@media screen and (max-width: 820px) { .maps { grid-template-columns: minmax(0, 1fr); } }
"""

Floats = NDArray[np.float64]

STEPS = 24  # of darkness in a map
FAINTEST = 1 / 48  # of the darkest: below it a cell is left white
LONGEST_CENTRE, LONGEST_SIZE, LARGEST_TRIANGLE = 0.12, 0.05, 0.016  # of the longer side of the picture
LEAST_SHOWN = 0.05  # of the largest pull on a confidence
_BASE = "picture-in-maps"


def picture_in_detail(explanation: Explanation, picture: NDArray[np.uint8], *, language: Language) -> Html:
    """The maps and the pull of one picture; at most once on a page.

    Args:
        explanation: of this picture alone, image 0.
        picture: (H, W, 3) uint8 RGB in the frame of the network's input.
    """
    height, width = picture.shape[:2]
    data = picture_data(picture, max_side=480, quality=75)
    base = (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        f'<image id="{_BASE}" href="{data}" width="{width}" height="{height}" preserveAspectRatio="none"/></defs></svg>'
    )
    return Html(
        base
        + _maps(explanation, (height, width), language)
        + _pull(explanation, (height, width), texts(language))
    )


# ------------------------------------------------------------ where each term comes from


def cell_values(explanation: Explanation, term: str | None, level: int) -> Floats:
    """(rows, cols) what each cell of a level adds to the loss, by one term or (None) by all."""
    rows = explanation.contributions.where(level=level)
    if term is not None:
        rows = rows.where(term=term)
    values = np.zeros(explanation.predictions.grids[level])
    np.add.at(values, (rows.row, rows.col), rows.value)
    return values


def _maps(explanation: Explanation, size: tuple[int, int], language: Language) -> str:
    t, grids = texts(language), explanation.predictions.grids
    parts = []
    for level, (rows, cols) in enumerate(grids):
        value = cell_values(explanation, None, level).sum()
        if len(grids) > 1:
            name = captions(language).level.format(level=level)
            heading = t.level_title.format(
                level=name,
                rows=rows,
                cols=cols,
                value=number(float(value)),
                share=percent(value, explanation.total),
            )
            parts.append(f"<h4>{escape(heading)}</h4>")
        parts.append(f'<div class="maps">{_maps_of_level(explanation, level, size, language)}</div>')
    return f"<h3>{escape(t.maps)}</h3><p>{escape(t.maps_note)}</p>{''.join(parts)}"


def _maps_of_level(explanation: Explanation, level: int, size: tuple[int, int], language: Language) -> str:
    t, figures = texts(language), []
    for index, term in enumerate((*explanation.terms, None)):
        values = cell_values(explanation, term, level)
        if not values.any() and len(explanation.predictions.grids) > 1:
            continue  # the other head's terms, and levels that nothing is assigned to
        name = t.all_terms if term is None else captions(language).term(term, explanation.terms)
        sign = "" if term is None else swatch(index)
        title = t.map_title.format(
            term=name, value=number(float(values.sum())), share=percent(values.sum(), explanation.total)
        )
        drawn = _map(values, explanation, size, alt=title)
        figures.append(
            f"<figure><figcaption>{sign}<b>{escape(title)}</b><small>{escape(_peak_note(values, t))}</small>"
            f"</figcaption>{drawn}</figure>"
        )
    return "".join(figures)


def _peak_note(values: Floats, t: Texts) -> str:
    if not values.any():
        return t.empty_map
    row, col = _peak(values)
    return t.worst_cell.format(row=row, col=col, value=number(float(values[row, col])))


def _peak(values: Floats) -> tuple[int, int]:
    """The cell with the largest value; one that is not finite before all others."""
    row, col = np.unravel_index(int(np.nan_to_num(values, nan=np.inf).argmax()), values.shape)
    return int(row), int(col)


def _map(values: Floats, explanation: Explanation, size: tuple[int, int], *, alt: str) -> str:
    (height, width), (rows, cols) = size, values.shape
    cell = (height / rows, width / cols)
    inside = [_heat(values, cell), _grid(rows, cols, size)]
    inside += [_outline(obj.box, size, "object") for obj in explanation.objects]
    if values.any():
        row, col = _peak(values)
        inside.append(
            f'<rect class="peak" x="{col * cell[1]:.1f}" y="{row * cell[0]:.1f}" width="{cell[1]:.1f}" '
            f'height="{cell[0]:.1f}"/>'
        )
    return _svg(inside, size, alt)


def _heat(values: Floats, cell: tuple[float, float]) -> str:
    """The darker, the more; one path for all cells of about the same value."""
    most = float(values.max(initial=0.0, where=np.isfinite(values)))
    share = np.clip(values / most, 0, 1) if most > 0 else np.zeros_like(values)
    share = np.where(np.isfinite(values), share, 1.0)
    steps = np.where(share >= FAINTEST, np.ceil(share * STEPS), 0).astype(int)
    paths = []
    for step in np.unique(steps[steps > 0]).tolist():
        moves = "".join(
            f"M{col * cell[1]:.1f} {row * cell[0]:.1f}h{cell[1]:.1f}v{cell[0]:.1f}h-{cell[1]:.1f}z"
            for row, col in np.argwhere(steps == step).tolist()
        )
        paths.append(f'<path class="heat" fill-opacity="{0.9 * step / STEPS:.2f}" d="{moves}"/>')
    return "".join(paths)


def _grid(rows: int, cols: int, size: tuple[int, int]) -> str:
    height, width = size
    lines = [f"M0 {height * row / rows:.1f}H{width}" for row in range(1, rows)]
    lines += [f"M{width * col / cols:.1f} 0V{height}" for col in range(1, cols)]
    return f'<path class="grid" d="{"".join(lines)}"/>'


# ------------------------------------------------------------ where the loss pulls


def _pull(explanation: Explanation, size: tuple[int, int], t: Texts) -> str:
    predictions, unit = explanation.predictions, max(size)
    boxes = predictions.boxes[0]
    centre_inside = ((boxes[:, :2] >= 0) & (boxes[:, :2] <= 1)).all(1)
    drawable = np.isfinite(boxes).all(1) & centre_inside
    downhill = np.where(drawable[:, None], -_finite(predictions.gradient[0]), 0.0)
    confidence = np.where(drawable, -_finite(predictions.confidence_gradient[0]), 0.0)
    moved = np.flatnonzero(downhill.any(1))
    inside = [_outline(obj.box, size, "object") for obj in explanation.objects]
    inside += [_outline(boxes[i], size, "pulled") for i in moved.tolist()]
    pixels = np.array([size[1], size[0]], float)
    tails, ways = boxes[moved, :2] * pixels, downhill[moved, :2] * pixels
    inside += _arrows(tails, ways, LONGEST_CENTRE * unit, unit, "centre")
    edges, outwards = _edges(boxes[moved], downhill[moved, 2:], pixels)
    inside += _arrows(edges, outwards, LONGEST_SIZE * unit, unit, "size")
    inside += _triangles(predictions.responsible[0], boxes, confidence, pixels, unit)
    note = t.pull_note.format(
        centre=number(float(np.hypot(*downhill[:, :2].T).max(initial=0.0))),
        size=number(float(np.abs(downhill[:, 2:]).max(initial=0.0))),
        confidence=number(float(np.abs(confidence).max(initial=0.0))),
    )
    drawn = _svg(inside, size, t.pull)
    return f'<h3>{escape(t.pull)}</h3><figure class="pull"><figcaption>{escape(note)}</figcaption>{drawn}</figure>'


def _edges(boxes: Floats, growth: Floats, pixels: Floats) -> tuple[Floats, Floats]:
    """The middles of all edges in pixels, and outward (negative: inward) vectors as the boxes are to grow."""
    tails, ways = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for axis in (0, 1):
        for side in (-1, 1):
            along = np.zeros(2)
            along[axis] = side
            tails.append(np.clip(boxes[:, :2] + along * boxes[:, 2:] / 2, 0, 1) * pixels)
            ways.append(along * growth * pixels)
    return np.concatenate(tails), np.concatenate(ways)


def _arrows(tails: Floats, ways: Floats, longest: float, unit: int, kind: str) -> list[str]:
    """In proportion to the longest; those too short to be seen are dots."""
    lengths = np.hypot(*ways.T)
    most = float(lengths.max(initial=0.0))
    if most == 0:
        return []
    drawn = []
    for (x, y), way, length in zip(tails.tolist(), ways, lengths.tolist(), strict=True):
        if length == 0:
            continue
        share = length / most
        direction = way / length
        tip = np.array([x, y]) + direction * longest * share
        head = min(unit * (0.007 + 0.010 * share), longest * share)
        neck, across = tip - direction * head, direction[::-1] * (-1, 1) * 0.5 * head
        shape = f'd="M{x:.1f} {y:.1f}L{_point(neck)}M{_point(tip)}L{_point(neck + across)}L{_point(neck - across)}z"'
        line = 0.8 + 2.6 * share
        drawn.append(f'<path class="halo" stroke-width="{line + 1.8:.1f}" {shape}/>')
        drawn.append(f'<path class="{kind}" stroke-width="{line:.1f}" {shape}/>')
    return drawn


def _point(at: Floats) -> str:
    return f"{at[0]:.1f} {at[1]:.1f}"


def _triangles(
    responsible: NDArray[np.bool_], boxes: Floats, confidence: Floats, pixels: Floats, unit: int
) -> list[str]:
    """Up where the confidence should rise, down where it should fall; the area is in proportion."""
    strength = np.abs(confidence)
    most = float(strength.max(initial=0.0))
    drawn = []
    for i in np.flatnonzero((strength > 0) & (strength >= LEAST_SHOWN * most)).tolist():
        corner = np.clip(boxes[i, :2] - boxes[i, 2:] / 2, 0, 1)
        x, y = (corner if responsible[i] else boxes[i, :2]) * pixels
        half = LARGEST_TRIANGLE * unit * float(np.sqrt(strength[i] / most))
        kind, up = ("rise", -1) if confidence[i] > 0 else ("fall", 1)
        base, tip = y - up * half, y + up * half
        drawn.append(
            f'<path class="{kind}" d="M{x - half:.1f} {base:.1f}h{2 * half:.1f}L{x:.1f} {tip:.1f}z"/>'
        )
    return drawn


# ------------------------------------------------------------ both


def _svg(inside: Sequence[str], size: tuple[int, int], alt: str) -> str:
    height, width = size
    return (
        f'<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}">'
        f'<use href="#{_BASE}" opacity="0.4"/>{"".join(inside)}</svg>'
    )


def _outline(box: Floats, size: tuple[int, int], kind: str) -> str:
    if not np.isfinite(box).all():
        return ""
    (height, width), (cx, cy, w, h) = size, box
    return (
        f'<rect class="{kind}" x="{(cx - w / 2) * width:.1f}" y="{(cy - h / 2) * height:.1f}" '
        f'width="{max(w, 0) * width:.1f}" height="{max(h, 0) * height:.1f}"/>'
    )


def _finite(values: Floats) -> Floats:
    finite: Floats = np.where(np.isfinite(values), values, 0.0)
    return finite
