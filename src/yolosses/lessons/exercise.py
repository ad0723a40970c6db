"""An exercise: what is asked, what is right, and which misunderstandings are known."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy
from matplotlib.figure import Figure

from yolosses.lessons import record
from yolosses.lessons.answers import Result, run
from yolosses.lessons.cases import Case
from yolosses.lessons.checking import examine
from yolosses.lessons.pictures import draw_scene
from yolosses.lessons.texts import NO_ANSWER_YET, OWN_WORDS, TASK
from yolosses.lessons.verdict import Verdict, show
from yolosses.lessons.words import Words, say


@dataclass(frozen=True, kw_only=True)
class Misconception:
    """A misunderstanding, as the function that somebody with it writes.

    Attributes:
        mutant: takes what the exercise's solution takes, as NumPy arrays.
        says: what is misunderstood, in one sentence. why: why it matters, in one sentence. hint: where to look.
    """

    key: str
    mutant: Callable[..., Any]
    says: Words
    why: Words
    hint: Words


def together(one: Misconception, other: Misconception, mutant: Callable[..., Any]) -> Misconception:
    """Two misunderstandings at once, as the function of somebody with both."""
    return Misconception(
        key=f"{one.key}+{other.key}",
        mutant=mutant,
        says=Words(
            f"Two things. First: {one.says.en} Second: {other.says.en}",
            f"有兩個問題。第一：{one.says.zh}第二：{other.says.zh}",
        ),
        why=Words("Mend one of them and check again.", "先改好一個，再檢查一次。"),
        hint=Words(f"{one.hint.en} And: {other.hint.en}", f"{one.hint.zh}還有：{other.hint.zh}"),
    )


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A function for the learner to write.

    ``check(answer)`` tries it on chosen and on drawn cases, ``hint()`` helps, ``solution()`` shows one way.

    Attributes:
        key: its name in `yolosses.lessons`. lesson: the number of its lesson.
        task: what the function takes and returns.
        right: a right answer, in NumPy, written to be read: ``solution()`` prints its source.
        cases: draws cases. chosen: cases that tell all misconceptions, and what is right, apart.
        picture: draws a case; None where there is nothing to see but the numbers.
        pairs: two misconceptions at once, tried when no single one fits.
        terms: takes what ``right`` takes and returns its summands by name, where one of them may be wrong alone.
    """

    key: str
    lesson: int
    task: Words
    right: Callable[..., Any]
    cases: SearchStrategy[Case]
    chosen: tuple[Case, ...]
    misconceptions: tuple[Misconception, ...]
    hints: Words
    picture: Callable[[Case], Figure] | None = None
    pairs: tuple[Misconception, ...] = ()
    terms: Callable[..., Mapping[str, float]] | None = None

    def check(self, answer: Any = None) -> Verdict:
        """Try ``answer``, a function of NumPy arrays, tensors or lists; show and return what comes out."""
        verdict = examine(self, answer)
        record.note(self.key, verdict)
        return show(verdict)

    def hint(self) -> None:
        """Show where to look: about the misunderstanding of the last check, if it had one."""
        key = record.last_misconception(self.key)
        known = {each.key: each.hint for each in (*self.misconceptions, *self.pairs)}
        print(say(known.get(key or "", self.hints)))

    def solution(self) -> None:
        """Print one right answer."""
        print(f"import numpy as np\n\n{textwrap.dedent(inspect.getsource(self.right)).strip()}")

    def draw(self, case: Case) -> Figure | None:
        """The picture of a case."""
        if self.picture is not None:
            return self.picture(case)
        return None if case.scene is None else draw_scene(case.scene)

    def expected(self, case: Case) -> Result:
        """What is right for a case."""
        return run(self.right, case.arguments)

    def __repr__(self) -> str:
        names = ", ".join(inspect.signature(self.right).parameters)
        return say(TASK, key=self.key, names=names, task=say(self.task))


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question to think about: the model answer comes after the learner's own."""

    key: str
    lesson: int
    question: Words
    hints: Words
    answer: Words

    def check(self, answer: str | None = None) -> None:
        """Take the learner's answer in words, and show the model answer to compare it with."""
        if not isinstance(answer, str) or len(answer.strip()) < LEAST_LETTERS:
            print(say(OWN_WORDS, key=self.key))
            return
        record.note_answer(self.key, answer.strip())
        print(say(self.answer))

    def hint(self) -> None:
        """Show where to begin."""
        print(say(self.hints))

    def solution(self) -> None:
        """The model answer, once the learner has written one."""
        print(say(self.answer) if record.answered(self.key) else say(NO_ANSWER_YET, key=self.key))

    def __repr__(self) -> str:
        return f"q.{self.key}: {say(self.question)}"


LEAST_LETTERS = 8  # a Chinese sentence can be as short
