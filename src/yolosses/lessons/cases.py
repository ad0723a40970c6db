"""What answers are tried on: chosen scenes, and scenes drawn afresh each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import DrawFn, SearchStrategy

from yolosses.lessons.scene import Array, Object, Scene

STEPS = 20  # drawn numbers are multiples of 1 / 20: a learner can check them by hand


def _steps(least: int, most: int) -> SearchStrategy[int]:
    """Simplest in the middle, so that the smallest case that the search finds is one to look at."""
    return st.sampled_from(sorted(range(least, most + 1), key=lambda step: abs(2 * step - STEPS)))


@dataclass(frozen=True, eq=False)
class Case:
    """The arguments of one call of the learner's function, in its order, and the scene they come from."""

    arguments: Mapping[str, Any]
    scene: Scene | None = None

    @property
    def size(self) -> int:
        """How many numbers the case has: less is easier to look at."""
        return sum(np.asarray(value).size for value in self.arguments.values() if not callable(value))


def fractions(least: int = 0, most: int = STEPS) -> SearchStrategy[float]:
    """Multiples of 1/20, by default between 0 and 1."""
    return _steps(least, most).map(lambda step: step / STEPS)


def tables(shape: tuple[int, ...], least: int = 0, most: int = STEPS) -> SearchStrategy[Array]:
    """Arrays of multiples of 1/20."""
    return arrays(np.int64, shape, elements=_steps(least, most)).map(lambda steps: steps / STEPS)


@st.composite
def scenes(
    draw: DrawFn, *, grids: tuple[int, int] = (1, 3), boxes: tuple[int, int] = (1, 3),
    classes: tuple[int, int] = (1, 3), objects: tuple[int, int] = (0, 3),
) -> Scene:  # fmt: skip
    """Scenes whose sizes lie in the given ranges, ends included; no two objects in one cell."""
    grid = draw(st.integers(*grids))
    per_cell = draw(st.integers(*boxes))
    num_classes = draw(st.integers(*classes))
    most = min(objects[1], grid**2)
    cells = draw(
        st.lists(st.integers(0, grid**2 - 1), min_size=min(objects[0], most), max_size=most, unique=True)
    )
    found = tuple(
        Object(cell, draw(fractions(1, STEPS - 1)), draw(fractions(1, STEPS - 1)), draw(fractions(1)),
               draw(fractions(1)), draw(st.integers(0, num_classes - 1)))
        for cell in cells
    )  # fmt: skip
    shape = (grid**2, per_cell)
    return Scene(
        grid=grid,
        objects=found,
        boxes=np.concatenate([draw(tables((*shape, 2))), draw(tables((*shape, 2), 1))], -1),
        confidence=draw(tables(shape)),
        scores=draw(tables((grid**2, num_classes))),
    )


def scene_of(seed: int, *, grid: int, boxes: int, classes: int, objects: int) -> Scene:
    """A scene that is the same each time, for chosen cases."""
    random = np.random.default_rng(seed)
    cells = random.permutation(grid**2)[:objects]

    def steps(*shape: int, least: int = 1) -> Array:
        return random.integers(least, STEPS, shape) / STEPS

    found = tuple(_object(int(cell), steps(4), int(random.integers(classes))) for cell in cells)
    shape = (grid**2, boxes)
    return Scene(
        grid=grid,
        objects=found,
        boxes=steps(*shape, 4),
        confidence=steps(*shape),
        scores=steps(grid**2, classes),
    )


def _object(cell: int, box: Array, label: int) -> Object:
    x, y, w, h = box.tolist()
    return Object(cell, x, y, w, h, label)
