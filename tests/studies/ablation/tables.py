"""Runs made of numbers, without a study around them."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from yolosses.studies.ablation.noise import noise_of
from yolosses.studies.ablation.statistics import Table
from yolosses.studies.ablation.structures import Result, Setting, StudyResults


def grid(levels: Sequence[int]) -> list[Setting]:
    """All settings of parameters a, b, ... with so many values each: 0, 1, ..."""
    return [
        {"abc"[axis]: level for axis, level in enumerate(chosen)}
        for chosen in itertools.product(*map(range, levels))
    ]


def table(levels: Sequence[int], values: np.ndarray) -> Table:
    """Of values (settings, seeds), nan where there is no run."""
    settings = grid(levels)
    runs = {
        (row, seed): Result(
            trial=0, setting=settings[row], seed=int(seed), measures={"m": float(values[row, seed])}
        )
        for row in range(len(settings))
        for seed in np.flatnonzero(np.isfinite(values[row]))
    }
    return Table(
        settings=tuple(settings),
        values=values,
        runs=runs,
        bounds=(-math.inf, math.inf),
        noise=noise_of(values),
    )


def study_of(
    levels: Sequence[int], values: Sequence[Sequence[float | None]], *, measure: str = "map50"
) -> StudyResults:
    """With one measure: values (settings, seeds); where a list is shorter, runs are missing; None: without a value."""
    settings = grid(levels)
    results = [
        (setting, seed, value)
        for setting, row in zip(settings, values, strict=True)
        for seed, value in enumerate(row)
    ]
    return StudyResults(
        data="digits",
        loss="v1",
        train_split="train",
        eval_split="val",
        num_pictures={"train": 1, "val": 1},
        class_names=("a", "b"),
        budget={"epochs": 1},
        parameters={name: tuple(range(count)) for name, count in zip(settings[0], levels, strict=True)},
        defaults=dict.fromkeys(settings[0], 0),
        results=tuple(
            Result(trial=trial, setting=setting, seed=seed, measures={measure: value})
            for trial, (setting, seed, value) in enumerate(results)
        ),
    )
