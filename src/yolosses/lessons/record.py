"""What the learner has done: a small file beside the notebooks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from yolosses.lessons.words import Words, say

if TYPE_CHECKING:
    from yolosses.lessons.verdict import Verdict

FILE = Path("yolosses-progress.json")
UNREADABLE = Words(
    "{file} cannot be read and is kept as {kept}; progress starts anew.",
    "無法讀取 {file}，已另存為 {kept}；進度重新開始。",
)
DONE = Words("{done} of {all} done", "完成 {done} 題，共 {all} 題")
UNWRITABLE = Words("Progress could not be saved in {file}: {why}", "進度無法存到 {file}：{why}")


class Task(Protocol):
    """An exercise or a question, as far as the record knows it."""

    @property
    def key(self) -> str: ...
    @property
    def lesson(self) -> int: ...


def load() -> dict[str, Any]:
    """By the key of an exercise: its outcome, misunderstandings met, the last of them, or the words of an answer."""
    try:
        known = json.loads(FILE.read_text(encoding="utf-8"))
        if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
            raise ValueError("expected an object of objects")
        return known
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        kept = FILE.with_suffix(".unreadable.json")
        try:
            FILE.replace(kept)
            _tell(say(UNREADABLE, file=FILE, kept=kept))
        except OSError:
            pass
        return {}


def note(key: str, verdict: Verdict) -> None:
    """Remember what a check found. An exercise that was right once stays so."""
    if verdict.outcome == "not tried":
        return
    known = load()
    entry = known.setdefault(key, {})
    entry["right"] = bool(entry.get("right")) or verdict.outcome == "right"
    entry["last"] = verdict.misconception
    met = entry.setdefault("met", [])
    if verdict.misconception and verdict.misconception not in met:
        met.append(verdict.misconception)
    _save(known)


def note_answer(key: str, answer: str) -> None:
    """Remember the learner's words."""
    _save({**load(), key: {"answer": answer}})


def answered(key: str) -> bool:
    """Whether the learner has written an answer."""
    return "answer" in load().get(key, {})


def last_misconception(key: str) -> str | None:
    """The misunderstanding of the last check."""
    found = load().get(key, {}).get("last")
    return found if isinstance(found, str) else None


def table(exercises: Sequence[Task]) -> str:
    """One line an exercise: its lesson, its name, whether it is right, and the misunderstandings met."""
    known = load()
    lines = [_line(each, known.get(each.key, {})) for each in exercises]
    done = sum(_done(known.get(each.key, {})) for each in exercises)
    return "\n".join([*lines, say(DONE, done=done, all=len(exercises))])


def _done(entry: dict[str, Any]) -> bool:
    return bool(entry.get("right") or entry.get("answer"))


def _line(exercise: Task, entry: dict[str, Any]) -> str:
    sign = "✓" if _done(entry) else "✗" if entry else "·"
    met = entry.get("met") or []
    return f"{exercise.lesson:2}  {sign} {exercise.key:22} {', '.join(met)}".rstrip()


def _save(known: dict[str, Any]) -> None:
    partial = FILE.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(known, ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(FILE)
    except OSError as error:
        _tell(say(UNWRITABLE, file=FILE, why=error.strerror))


def _tell(line: str) -> None:
    print(line, file=sys.stderr)
