"""Is an answer right, and if not, what is misunderstood?"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException

from yolosses.lessons import texts
from yolosses.lessons.answers import Failure, Result, dialect_of, parameters, run, same
from yolosses.lessons.cases import Case
from yolosses.lessons.pictures import as_svg
from yolosses.lessons.scene import Array
from yolosses.lessons.verdict import Verdict
from yolosses.lessons.words import Words, say

if TYPE_CHECKING:
    from yolosses.lessons.exercise import Exercise, Misconception

DRAWN = 60  # cases drawn in a check
_NOT_REAL = ("complex", "not real")  # failures of a root of a negative number
PATIENCE = 5.0  # seconds after which no further cases are drawn


@dataclass(frozen=True)
class _Try:
    """A case, what the answer gave, and what is right."""

    case: Case
    result: Result
    expected: Result

    @property
    def agrees(self) -> bool:
        return _agree(self.result, self.expected)


class _DiffersError(Exception):
    """Ends one try of the search."""


class _Enough(BaseException):  # not an error, and no `Exception`, after which a search would go on
    """Ends the search."""


def examine(exercise: Exercise, answer: Any) -> Verdict:
    """Try ``answer`` on the exercise's cases."""
    if answer is None or answer is Ellipsis:
        return _untried(exercise)
    unfit = unfit_text(answer, tuple(inspect.signature(exercise.right).parameters))
    return _wrong(exercise, unfit) if unfit else _Check(exercise, answer).verdict()


def unfit_text(answer: Any, names: tuple[str, ...]) -> str | None:
    """What to say of an answer that is no function of these arguments; None if it is one."""
    if not callable(answer):
        return say(texts.NOT_A_FUNCTION, names=", ".join(names), came=type(answer).__name__)
    takes = parameters(answer)
    if takes is None or takes[0] <= len(names) <= takes[1]:
        return None
    return say(texts.OTHER_ARGUMENTS, names=", ".join(names), count=len(names), came=takes[0])


def failure_text(failure: Failure) -> str:
    """What to say of a call that gave no number."""
    if failure.kind == "too long":
        return say(texts.TOO_LONG, seconds=failure.message)
    if failure.kind == "complex":
        return say(texts.COMPLEX, came=failure.message)
    if failure.kind in ("error", "not real"):
        template = texts.ERROR if failure.line else texts.ERROR_ELSEWHERE
        text = say(template, line=failure.line, number=failure.number, message=failure.message)
        return text if failure.kind == "error" else f"{text}\n{say(texts.NOT_REAL)}"
    return say(texts.NOT_NUMBERS, came=failure.message)


def _untried(exercise: Exercise) -> Verdict:
    return Verdict(key=exercise.key, outcome="not tried", text=say(texts.NOT_TRIED, task=say(exercise.task)))


def _wrong(exercise: Exercise, text: str) -> Verdict:
    return Verdict(key=exercise.key, outcome="not yet", text=text)


class _Check:
    """One check of one answer."""

    def __init__(self, exercise: Exercise, answer: Callable[..., Any]) -> None:
        self.exercise, self.answer = exercise, answer
        first = exercise.chosen[0]
        self.dialect, result = dialect_of(answer, first.arguments)
        self.tried = [_Try(first, result, exercise.expected(first))]
        self.end = time.monotonic() + PATIENCE

    def verdict(self) -> Verdict:
        for case in self.exercise.chosen[1:]:
            if self._endless():
                break
            self._try(case)
        if all(one.result.value is None and one.result.failure is None for one in self.tried):
            return self._nothing_came()
        if not self._endless():
            self._draw()
        wrong = [one for one in self.tried if not one.agrees]
        if wrong:
            return self._explained(min(wrong, key=_telling))
        text = say(texts.RIGHT, count=len(self.tried))
        return Verdict(key=self.exercise.key, outcome="right", text=text)

    def _nothing_came(self) -> Verdict:
        if not self.tried[0].result.printed:
            return _untried(self.exercise)
        return Verdict(
            key=self.exercise.key, outcome="not yet", text=say(texts.PRINTED_ALONE),
            printed=self.tried[0].result.printed,
        )  # fmt: skip

    def _endless(self) -> bool:
        """A function that does not end is not tried again: each try costs seconds."""
        failure = self.tried[-1].result.failure
        return failure is not None and failure.kind == "too long"

    def _try(self, case: Case) -> None:
        result = run(self.answer, case.arguments, self.dialect)
        self.tried.append(_Try(case, result, self.exercise.expected(case)))

    def _draw(self) -> None:
        """Try drawn cases; where the answer is wrong, the search goes on to the smallest such case."""

        @settings(
            max_examples=DRAWN, database=None, deadline=None, report_multiple_bugs=False, print_blob=False,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(self.exercise.cases)
        def search(case: Case) -> None:
            self._try(case)
            if self._endless() or time.monotonic() > self.end:
                raise _Enough
            if not self.tried[-1].agrees:
                raise _DiffersError

        try:
            search()
        except (_DiffersError, _Enough, HypothesisException, ExceptionGroup):
            return  # HypothesisException: an answer that is random, which the cases tried so far show as well

    def _explained(self, one: _Try) -> Verdict:
        """What is wrong, on the most telling case."""
        failure = one.result.failure
        if failure is not None and failure.kind == "too long":
            return _wrong(self.exercise, failure_text(failure))
        figure = self.exercise.draw(one.case)
        misconception = self._misconception() if failure is None or failure.kind in _NOT_REAL else None
        return Verdict(
            key=self.exercise.key, outcome="not yet", text=self._sentence(one.result, misconception),
            case=one.case, came=one.result.value, expected=one.expected.value, printed=one.result.printed,
            misconception=None if misconception is None else misconception.key,
            picture=None if figure is None else as_svg(figure),
        )  # fmt: skip

    def _sentence(self, result: Result, misconception: Misconception | None) -> str:
        named = ""
        if misconception is not None:
            named = say(texts.NAMED, says=say(misconception.says), why=say(misconception.why))
        if result.failure is not None:
            return f"{failure_text(result.failure)}\n{named}".rstrip()
        if result.value is None:
            return say(texts.NOTHING_CAME)
        if named:
            return named
        return self._one_term() or say(self._general())

    def _misconception(self) -> Misconception | None:
        """The misunderstanding whose function gives what the answer gives, on all cases."""
        for each in (*self.exercise.misconceptions, *self.exercise.pairs):
            mutants = (run(each.mutant, one.case.arguments) for one in self.tried)
            if all(_fits(one, mutant) for one, mutant in zip(self.tried, mutants, strict=True)):
                return each
        return None

    def _one_term(self) -> str | None:
        """That one term alone differs, if all answers are right but for one factor of it."""
        if self.exercise.terms is None or any(one.result.value is None for one in self.tried):
            return None
        came, right = (
            np.array([np.sum(result.value) for result in results])
            for results in zip(*((one.result, one.expected) for one in self.tried), strict=True)
        )
        if not np.isfinite(came).all():
            return None
        found = [self.exercise.terms(**one.case.arguments) for one in self.tried]
        for name in found[0]:
            term = np.array([terms[name] for terms in found])
            extra = (came - right) @ term / max(term @ term, 1e-12)
            if same(came, right + extra * term):
                return say(texts.ONE_TERM, name=name, factor=f"{1 + extra:.4g}")
        return None

    def _general(self) -> Words:
        """What can be said about any exercise when no known misunderstanding fits."""
        pairs = [(one.result.value, one.expected.value) for one in self.tried]
        known = [(came, right) for came, right in pairs if came is not None and right is not None]
        if all(right.size == 1 and same(np.asarray(came.sum()), right) for came, right in known):
            return texts.NOT_SUMMED
        if any(came.squeeze().shape != right.squeeze().shape for came, right in known):
            return texts.OTHER_SHAPE
        if len(known) > 1 and all(same(came, known[0][0]) for came, _ in known):
            return texts.CONSTANT
        factor = _factor(known)
        return texts.OTHER_VALUE if factor is None else texts.factor_words(factor)


def _agree(result: Result, expected: Result) -> bool:
    if result.value is None or expected.value is None:
        return False
    return same(result.value, expected.value)


def _fits(one: _Try, mutant: Result) -> bool:
    """Whether the answer gives what a misunderstanding gives, however it writes a mean of nothing or a NaN."""
    if mutant.value is None:
        return False
    if one.result.failure is not None and one.result.failure.kind in _NOT_REAL:
        return bool(np.isnan(mutant.value).all())
    nothing = one.expected.value is not None and not one.expected.value.any() and not mutant.value.any()
    if nothing and one.result.value is not None and np.isnan(one.result.value).all():
        return True
    return _agree(one.result, mutant)


def _telling(one: _Try) -> tuple[bool, bool, int]:
    """What to show first: an error in the learner's code, then a value that is not 0, then few numbers."""
    failed = one.result.failure is not None
    zero = one.expected.value is not None and not one.expected.value.any()
    return not failed, zero, one.case.size


def _factor(pairs: list[tuple[Array, Array]]) -> float | None:
    """The one number by which all answers differ from what is right; None if there is none."""
    came = np.concatenate([came.ravel() for came, _ in pairs])
    right = np.concatenate([right.ravel() for _, right in pairs])
    if not right.any():
        return None
    factor = float(came @ right / (right @ right))
    return factor if factor and len(right) > 1 and same(came, factor * right) else None
