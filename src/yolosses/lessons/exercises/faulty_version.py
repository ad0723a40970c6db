"""The exercise on a faulty loss: the learner writes a test that finds it."""

from __future__ import annotations

import dis
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from yolosses.lessons import record, texts
from yolosses.lessons.answers import run
from yolosses.lessons.checking import failure_text, unfit_text
from yolosses.lessons.exercises import faulty
from yolosses.lessons.exercises.mistakes import MISTAKES, RIGHT, Decisions
from yolosses.lessons.probing import fresh_scenes
from yolosses.lessons.verdict import Outcome, Verdict, show
from yolosses.lessons.words import Words, say

Test = Callable[..., Any]
FRESH = 3  # sets of scenes that the learner has not seen
LOSSES = dict(zip(RIGHT, (faulty.library_loss, faulty.PlainLoss()), strict=True))

TASK = Words(
    "Write test(loss): True for a right loss, False for version {number}. loss(raw, objects) gives one number with a "
    "gradient. q.probe(seed) draws a scene (raw, objects), q.perfect(objects) is the output that is right in every "
    "number.",
    "寫一個 test(loss)：損失函數正確時回傳 True，遇到版本 {number} 時回傳 False。loss(raw, objects) 回傳一個"
    "可以求梯度的數字。"
    "q.probe(seed) 隨機產生一個場景 (raw, objects)，q.perfect(objects) 是每個數字都對的輸出。",
)
FOUND = Words(
    "Your test accepts two right losses that are written differently, and refuses version {number}.\n"
    "The fault: {fault}{others}",
    "你的測試接受兩個寫法不同的正確損失函數，也抓到了版本 {number}。\n它的錯誤：{fault}{others}",
)
ALSO = Words("\nThe same test also catches version {numbers}.", "\n同一個測試也抓得到版本 {numbers}。")
EXPECTS = Words(
    "\nIt accepts version {numbers}: you expect what that faulty loss does.",
    "\n它接受版本 {numbers}：你期待的正是那個有錯版本的行為。",
)
DECIDED = Words(
    "\nRight loss of the library: {library}. Right loss in plain PyTorch: {plain}. Version {number}: {version}. "
    "Expected: True, True, False.",
    "\n函式庫的正確損失：{library}。純 PyTorch 的正確損失：{plain}。版本 {number}：{version}。"
    "應該是：True、True、False。",
)
NO_DECISION = Words("Expected True or False; {came} came.", "應該回傳 True 或 False；收到的是 {came}。")
FAULTY_LINES = Words("# The faulty lines of version {number}:", "# 版本 {number} 出錯的幾行：")


@dataclass(frozen=True, kw_only=True)
class FaultyVersion:
    """A faulty loss, and the learner's task to write a test that finds it.

    ``check(test)`` tries the test on two right losses and on the version, ``hint()`` helps, ``solution()`` shows one
    test and the faulty lines.

    Attributes:
        number: of the version.
        asks: what ``finds`` asks a loss, in a few words. finds: one right test.
        fault: what is wrong in the loss, and why it matters.
    """

    number: int
    asks: str
    finds: Test
    fault: Words
    hints: Words
    lesson: int = 10

    @property
    def key(self) -> str:
        """Its name in `yolosses.lessons`."""
        return f"version_{self.number}"

    @property
    def loss(self) -> faulty.PlainLoss:
        """The faulty loss itself: ``loss(raw, objects)``."""
        return faulty.VERSIONS[self.number - 1]

    @property
    def task(self) -> str:
        """What the learner's function takes and returns."""
        return say(TASK, number=self.number)

    def check(self, test: Any = None) -> Verdict:
        """Try ``test``, a function of a loss; show and return what comes out."""
        verdict = self._examined(test)
        record.note(self.key, verdict)
        return show(verdict)

    def hint(self) -> None:
        """Show where to look: about the mistake of the last check, if it had one."""
        known = {each.key: each.hint for each in MISTAKES}
        print(say(known.get(record.last_misconception(self.key) or "", self.hints)))

    def solution(self) -> None:
        """Print one test that finds the fault, and the faulty lines."""
        print(f"import torch\n\n\n{inspect.getsource(self.finds)}\n")
        lines = inspect.getsource(type(self.loss)).rstrip().splitlines()
        print("\n".join([say(FAULTY_LINES, number=self.number), *(f"# {line}" for line in lines)]))

    def __repr__(self) -> str:
        return say(texts.TASK, key=self.key, names="loss", task=self.task)

    def _examined(self, test: Any) -> Verdict:
        if test is None or test is Ellipsis:
            return self._verdict("not tried", say(texts.NOT_TRIED, task=self.task))
        unfit = unfit_text(test, ("loss",))
        if unfit:
            return self._verdict("not yet", unfit)
        try:
            decisions = self._decisions(test)
        except _UntriedError:
            return self._verdict("not tried", say(texts.NOT_TRIED, task=self.task))
        except _NoDecisionError as error:
            return self._verdict("not yet", str(error))
        mistake = next((each for each in MISTAKES if not decisions.always and each.fits(decisions)), None)
        if mistake is None:
            text = say(FOUND, number=self.number, fault=say(self.fault), others=_also(decisions))
            return self._verdict("right", text)
        told = f"{say(mistake.says)} {say(mistake.why)}"
        seen = next((each for each in decisions.fresh if decisions.found and _fails(each)), decisions.accepts)
        right = {name: seen[name] for name in RIGHT}
        table = say(DECIDED, number=self.number, version=seen[self.key], **right)
        others = {"other-fault": _also, "refuses-right": _expects}.get(mistake.key)
        return self._verdict("not yet", told + table + (others(decisions) if others else ""), mistake.key)

    def _verdict(self, outcome: Outcome, text: str, mistake: str | None = None) -> Verdict:
        return Verdict(key=self.key, outcome=outcome, text=text, misconception=mistake)

    def _decisions(self, test: Test) -> Decisions:
        versions = {f"version_{number}": loss for number, loss in enumerate(faulty.VERSIONS, 1)}
        tried = {**LOSSES, self.key: self.loss}
        accepts = {name: _accepts(test, loss) for name, loss in {**tried, **versions}.items()}
        fresh = []
        for _ in range(FRESH):
            with fresh_scenes(random.randrange(1, 2**31)):
                fresh.append({name: _accepts(test, loss) for name, loss in tried.items()})
        compares = _compares(getattr(test, "__code__", None))
        return Decisions(accepts=accepts, fresh=tuple(fresh), version=self.key, compares=compares)


class _NoDecisionError(Exception):
    """The test gave neither True nor False."""


class _UntriedError(Exception):
    """The test is empty."""


def _accepts(test: Test, loss: Any) -> bool:
    result = run(test, {"loss": loss})
    if result.failure is not None:
        if result.failure.message.startswith("AssertionError"):  # how tests elsewhere say False
            return False
        raise _NoDecisionError(failure_text(result.failure))
    if result.value is None:
        if loss is LOSSES["library"]:
            raise _UntriedError
        raise _NoDecisionError(say(texts.NOTHING_CAME))
    if result.value.size != 1 or result.value.item() not in (0, 1):
        raise _NoDecisionError(say(NO_DECISION, came=result.value.squeeze()))
    return bool(result.value.item())


def _fails(decisions: dict[str, bool]) -> bool:
    """Whether these are not all as they should be."""
    return any(accepted != (name in RIGHT) for name, accepted in decisions.items())


def _also(decisions: Decisions) -> str:
    """The other versions that the test catches, as a sentence."""
    return _numbered(ALSO, decisions, accepted=False)


def _expects(decisions: Decisions) -> str:
    """The versions that a test accepts which refuses the right losses, as a sentence."""
    return _numbered(EXPECTS, decisions, accepted=True)


def _numbered(words: Words, decisions: Decisions, *, accepted: bool) -> str:
    names = [name for name, value in decisions.accepts.items()
             if value == accepted and name not in (*RIGHT, decisions.version)]  # fmt: skip
    numbers = ", ".join(name.removeprefix("version_") for name in names)
    return say(words, numbers=numbers) if numbers else ""


def _compares(code: CodeType | None) -> bool:
    """Whether there is == or != in a function, or in functions inside it."""
    if code is None:
        return False
    signs = (step.argrepr for step in dis.get_instructions(code) if step.opname == "COMPARE_OP")
    inner = (_compares(part) for part in code.co_consts if isinstance(part, CodeType))
    return any("==" in sign or "!=" in sign for sign in signs) or any(inner)
