"""Exercises that say what is misunderstood: ``from yolosses import lessons as q``.

``q.wh_term.check(answer)`` tries the learner's function on chosen cases and on cases drawn afresh, ``q.wh_term.hint()``
helps and ``q.wh_term.solution()`` shows one way. ``q.progress()`` prints what is done. Needs the extra ``lessons``.
"""

from typing import Any

from yolosses.lessons import record
from yolosses.lessons.exercises import (
    anatomy,
    cells,
    centres,
    classes,
    confidence,
    detector,
    find_the_bug,
    lambdas,
    loss_functions,
    sizes,
    whole,
)
from yolosses.lessons.probing import perfect, probe
from yolosses.lessons.words import set_language

_LESSONS = (
    loss_functions,
    cells,
    centres,
    sizes,
    confidence,
    classes,
    whole,
    lambdas,
    detector,
    find_the_bug,
    anatomy,
)
_EXERCISES: dict[str, record.Task] = {each.key: each for lesson in _LESSONS for each in lesson.EXERCISES}

__all__ = ["perfect", "probe", "progress", "set_language", *_EXERCISES]


def __getattr__(name: str) -> Any:
    if name in _EXERCISES:
        return _EXERCISES[name]
    raise AttributeError(f"no exercise {name!r}; there are {', '.join(_EXERCISES)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def progress() -> None:
    """Print which exercises are right, and which misunderstandings were met on the way."""
    print(record.table(list(_EXERCISES.values())))
