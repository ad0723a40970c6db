"""How well the checker of the lessons tells learners' mistakes.

    PYTHONPATH=. python benchmarks/checker.py        # from the root of the repository; some minutes

Every wrong answer of ``tests/lessons`` should get the name of its misunderstanding, every right one should be taken,
and so should 500 variations of right ones: other types come back, and arguments are turned into other types first.
Writes ``benchmarks/results/checker.json``.
"""

import contextlib
import importlib
import io
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import put_between_marks

from yolosses import lessons as q
from yolosses.lessons.answers import dialect_of, numbers
from yolosses.lessons.exercise import Exercise

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "checker.json"
VARIATIONS = 500
Answer = Callable[..., Any]

HEADS = {
    "en": (
        ("lesson", "wrong answers planted"), "what was tried",
        ("wrong answers that get the right name", "right answers that are taken",
         "variations of right answers that are refused", "misunderstandings known"),
    ),
    "zh-TW": (
        ("課", "寫好的錯誤答案"), "試了什麼",
        ("錯誤答案，說對了是哪一種誤解", "正確答案，判為正確", "正確答案的變化，被誤判", "認得的誤解種類"),
    ),
}  # fmt: skip

# What a learner's function may return for the same value.
RETURNS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda value: value,
    "float or lists": lambda value: value.tolist(),
    "float32 array": lambda value: value.astype(np.float32),
    "tensor": torch.from_numpy,
    "float32 tensor": lambda value: torch.from_numpy(value.astype(np.float32)),
    "tensor with a gradient": lambda value: torch.from_numpy(value.copy()).requires_grad_(),
    "one more dimension": lambda value: value[None],
    "tuple": lambda value: tuple(value.tolist()) if value.ndim else (value.item(),),
}
# What it may turn its arguments into first.
TAKES: dict[str, Callable[[Any], Any]] = {
    "as given": lambda value: value,
    "arrays": lambda value: np.array(numbers(value)) if _is_array(value) else value,
    "float32": lambda value: np.array(numbers(value), dtype=np.float32) if _is_array(value) else value,
}


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | torch.Tensor | list)


def _answers(name: str) -> Iterator[tuple[Any, ...]]:
    """The tables ``RIGHT`` (exercise, answer) or ``WRONG`` (exercise, answer, misunderstanding) of all tests."""
    for path in sorted((ROOT / "tests" / "lessons").glob("test_*.py")):
        module = importlib.import_module(f"tests.lessons.{path.stem}")
        yield from getattr(module, name, ())


def _check(key: str, answer: Answer) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return getattr(q, key).check(answer)


def _varied(answer: Answer, take: Callable[[Any], Any], give: Callable[[np.ndarray], Any]) -> Answer:
    return lambda *arguments: give(np.asarray(numbers(answer(*(take(value) for value in arguments)))))


def _reads(key: str, answer: Answer, take: Callable[[Any], Any]) -> bool:
    """Whether the answer itself can read what comes: one in torch may read tensors alone."""
    task = getattr(q, key)
    if take is TAKES["as given"] or not isinstance(task, Exercise):
        return take is TAKES["as given"]
    _, result = dialect_of(_varied(answer, take, RETURNS["array"]), task.chosen[0].arguments)
    return result.failure is None


def _style(answer: Answer) -> str:
    names = set(answer.__code__.co_names)
    if names & {"torch", "F"}:
        return "torch"
    return "NumPy" if "np" in names else "plain Python"


def main() -> None:
    """Check all answers and write the table."""
    wrong, right = list(_answers("WRONG")), list(_answers("RIGHT"))
    unnamed = []
    for key, answer, name in wrong:
        verdict = _check(key, answer)
        if (verdict.outcome, verdict.misconception) != ("not yet", name):
            unnamed.append([key, answer.__name__, name, verdict.misconception])
    refused = [[key, answer.__name__] for key, answer in right if _check(key, answer).outcome != "right"]
    draw = random.Random()
    refused_variations = []
    for index in range(VARIATIONS):
        key, answer = right[index % len(right)]
        # An answer in torch takes tensors, and nothing else.
        take = draw.choice([name for name in TAKES if _reads(key, answer, TAKES[name])])
        give = draw.choice(list(RETURNS))
        if _check(key, _varied(answer, TAKES[take], RETURNS[give])).outcome != "right":
            refused_variations.append([key, answer.__name__, take, give])
    lessons = Counter(getattr(q, key).lesson for key, *_ in wrong)
    result = {
        "wrong": {
            "planted": len(wrong), "named": len(wrong) - len(unnamed), "not named": unnamed,
            "styles": Counter(_style(answer) for _, answer, _ in wrong),
            "by lesson": {str(lesson): lessons[lesson] for lesson in sorted(lessons)},
        },
        "right": {
            "planted": len(right), "refused": refused, "styles": Counter(_style(answer) for _, answer in right),
        },
        "variations": {"drawn": VARIATIONS, "refused": refused_variations},
        "misunderstandings": sum(len(getattr(getattr(q, name), "misconceptions", ())) for name in q.__all__),
    }  # fmt: skip
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for language in HEADS:
        put_between_marks(
            ROOT / "docs" / language / "teaching" / "index.md", "checker", table(result, language)
        )
    print(json.dumps(result, indent=1))


def table(result: dict[str, Any], language: str) -> str:
    """The page's table."""
    head, all_, rows = HEADS[language]
    wrong, right, varied = result["wrong"], result["right"], result["variations"]
    lessons = [f"| {lesson} | {count} |" for lesson, count in wrong["by lesson"].items()]
    values = (
        f"{wrong['named']} / {wrong['planted']}", f"{right['planted'] - len(right['refused'])} / {right['planted']}",
        f"{len(varied['refused'])} / {varied['drawn']}", str(result["misunderstandings"]),
    )  # fmt: skip
    summary = [f"| {row} | {value} |" for row, value in zip(rows, values, strict=True)]
    return "\n".join(
        [f"| {all_} | |", "|---|---:|", *summary, "", f"| {head[0]} | {head[1]} |", "|---|---:|", *lessons]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:  # for the file of progress
        os.chdir(folder)
        main()
