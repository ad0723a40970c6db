"""Room for labels: cut to a width, and placed where they hide least."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in any unit."""


def shortened(text: str, width: float, measure: Callable[[str], float]) -> str:
    """``text``, or as much of it as is ``width`` wide, with an ellipsis. ``measure``: how wide a text is."""
    if measure(text) <= width:
        return text
    while text and measure(text + "…") > width:
        text = text[:-1]
    return text + "…"


def beside_box(box: Box, width: float, height: float, frame: Box) -> list[Box]:
    """Places for a label of a size above, below, inside and halfway down ``box`` at either side, moved into ``frame``;
    those that come first are preferred.
    """
    left, top, right, bottom = box
    heights = (top - height, bottom, top, bottom - height, (top + bottom - height) / 2)
    lefts = [_within(x, width, frame[0], frame[2]) for x in (left, right - width)]
    tops = [_within(y, height, frame[1], frame[3]) for y in heights]
    return [(x, y, x + width, y + height) for y in tops for x in lefts]


def around_point(x: float, y: float, width: float, height: float, distance: float) -> list[Box]:
    """Places for a label of a size at the corners of a point, where no bar through it is, then right, left, above and
    below, then the same farther away."""
    places = []
    for d in (distance, 1.7 * distance, 2.6 * distance):
        for across, down in ((1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1)):
            near = 0.7 * d if across and down else d
            left = x + across * near - width * (1 - across) / 2
            top = y + down * near - height * (1 - down) / 2
            places.append((left, top, left + width, top + height))
    return places


def around(x: float, y: float, radius: float) -> Box:
    """The box around a point."""
    return x - radius, y - radius, x + radius, y + radius


def least_hiding(places: Sequence[Box], taken: Sequence[Box], frame: Box | None = None) -> Box:
    """The first of the places that hide least of what is ``taken``; of those within ``frame``, where there are any."""
    inside = [] if frame is None else [place for place in places if _holds(frame, place)]
    return min(inside or places, key=lambda place: sum(shared(place, other) for other in taken))


def shared(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _holds(frame: Box, place: Box) -> bool:
    return frame[0] <= place[0] and frame[1] <= place[1] and place[2] <= frame[2] and place[3] <= frame[3]


def _within(start: float, length: float, low: float, high: float) -> float:
    return min(max(start, low), max(high - length, low))
