"""What a check found, as text in a terminal and as a card in a notebook."""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from yolosses.lessons import texts
from yolosses.lessons.cases import Case
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import say

Outcome = Literal["not tried", "right", "not yet"]
_COLOUR = {"right": "#007A5E", "not yet": "#B04A00", "not tried": "#5F5F5F"}
_SIGN = {"right": "✓", "not yet": "✗", "not tried": "…"}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Verdict:
    """What a check found.

    Attributes:
        outcome: "not tried", "right" or "not yet".
        text: what to tell the learner.
        misconception: key of the misunderstanding that fits, if one does.
        case: the smallest case found on which the answer differs. came, expected: the two values there.
        picture: that case, as svg.
        printed: what the learner's function printed there.
    """

    key: str
    outcome: Outcome
    text: str
    misconception: str | None = None
    case: Case | None = None
    came: Array | None = None
    expected: Array | None = None
    picture: str | None = None
    printed: str = ""

    def __repr__(self) -> str:
        return f"<{self.key}: {self.outcome}>"

    def __str__(self) -> str:
        parts = [f"{_SIGN[self.outcome]} {say(texts.OUTCOMES[self.outcome])}{say(texts.STOP)}{self.text}"]
        if self.case is not None:
            parts += ["", say(texts.SMALLEST), *_indented(described(self.case)), *_indented(self._values())]
        if self.printed:
            parts += ["", say(texts.PRINTED), *_indented(self.printed.rstrip().splitlines())]
        return "\n".join(parts)

    def card(self) -> str:
        """As html, without scripts or anything from elsewhere."""
        colour = _COLOUR[self.outcome]
        head = f"{_SIGN[self.outcome]} {say(texts.OUTCOMES[self.outcome])}"
        body = [
            f'<b style="color:{colour}">{head}</b> <span style="white-space:pre-wrap">{_safe(self.text)}</span>'
        ]
        if self.case is not None:
            body.append(f'<div style="margin-top:8px">{say(texts.SMALLEST)}</div>')
            rows = "\n".join([*described(self.case), *self._values()])
            listed = f'<pre style="margin:0;background:none;color:inherit">{_safe(rows)}</pre>'
            drawn = f"<div>{self.picture}</div>" if self.picture else ""
            body.append(
                f'<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:center">{drawn}'
                f'<div style="overflow-x:auto;max-width:100%">{listed}</div></div>'
            )
        if self.printed:
            body.append(f"<div>{say(texts.PRINTED)}</div><pre>{_safe(self.printed)}</pre>")
        style = f"border-left:4px solid {colour};padding:6px 12px;background:#fff;color:#1a1a1a"
        return f'<div style="{style}">{"".join(body)}</div>'

    def _values(self) -> list[str]:
        came = "-" if self.came is None else value_text(self.came)
        right = "-" if self.expected is None else value_text(self.expected)
        return [f"{say(texts.CAME)}: {came}", f"{say(texts.EXPECTED)}: {right}"]


def show(verdict: Verdict) -> Verdict:
    """As a card where a notebook can show one, else as text."""
    if "ipykernel" in sys.modules and "IPython" in sys.modules:
        from IPython.display import display

        display({"text/html": verdict.card(), "text/plain": str(verdict)}, raw=True)
    else:
        print(verdict)
    return verdict


def described(case: Case) -> list[str]:
    """The arguments of a case, by name, and the boxes that they come from."""
    lines = [f"{name} = {value_text(value, f'{name} = ')}"
             for name, value in case.arguments.items() if not callable(value)]  # fmt: skip
    return lines if case.scene is None else [*lines, *_boxes(case.scene)]


def _boxes(scene: Scene) -> list[str]:
    lines = []
    for object_ in scene.objects:
        at = say(texts.CELL, cell=object_.cell)
        size = f"w {object_.w:.4g}, h {object_.h:.4g}"
        lines.append(f"{at}: {say(texts.TRUTH)} x {object_.x:.4g}, y {object_.y:.4g}, {size}")
        for box, (x, y, w, h) in enumerate(scene.boxes[object_.cell]):
            kind = texts.RESPONSIBLE if scene.obj[object_.cell, box] else texts.PREDICTED
            lines.append(
                f"  {say(texts.BOX, box=box)}: x {x:.4g}, y {y:.4g}, w {w:.4g}, h {h:.4g}, "
                f"IoU {scene.iou[object_.cell, box]:.3f} ({say(kind)})"
            )
    return lines


def value_text(value: object, before: str = "") -> str:
    """A number or an array, short; ``before`` stands before it on its first line."""
    if isinstance(value, np.ndarray):
        value = value + 0.0  # without -0
        return np.array2string(
            value, precision=4, separator=", ", suppress_small=True, threshold=60, prefix=before
        )
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {part}" for line in lines for part in line.splitlines()]


def _safe(text: str) -> str:
    return html.escape(text)
