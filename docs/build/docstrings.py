"""The docstrings of this library, read once for the pages of the losses and for those of the API.

A docstring is paragraphs, of which some begin with a heading: ``Args:`` with indented entries, ``Shapes:`` with an
indented text, or a word and a colon in front of a sentence (``Detached: ...``).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

BLOCKS = ("Args", "Attributes", "Shapes", "Raises", "Returns")
LABELS = re.compile(r"^(Shapes|Detached|Deviations|Normaliser|Terms)\b[^:\n]{0,60}:\s", re.MULTILINE)
NAME = r"\*{0,2}[A-Za-z_]\w*"


@dataclass
class Docstring:
    """Its parts.

    Attributes:
        intro: the paragraphs before the first heading, ``::`` blocks included.
        sections: the text under each heading, without indentation.
        entries: what stands of each argument or attribute; names that share a text have it in common.
    """

    intro: list[str] = field(default_factory=list)
    sections: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, str]:
        """The text of each argument."""
        return {name: text for names, text in self.entries.get("Args", {}).items() for name in names}


def parse(text: str, names: Sequence[str] = ()) -> Docstring:
    """The parts of a docstring. ``names``: of the arguments, so that "a: ... b: ..." on one line are two entries."""
    found = Docstring()
    for block in _paragraphs(inspect.cleandoc(text)):
        head, _, body = block.partition("\n")
        title = head.rstrip(":") if head.endswith(":") else ""
        if title in ("Args", "Attributes"):
            found.entries[title] = _entries(body, names)
        elif title in BLOCKS:
            found.sections[title] = _joined(inspect.cleandoc(body))
        elif LABELS.match(block):
            for name, part in _labelled(block):
                found.sections.setdefault(name, []).append(part)
        elif found.sections or found.entries:
            found.sections.setdefault("Notes", []).append(block)
        else:
            found.intro.append(block)
    return found


def _paragraphs(text: str) -> list[str]:
    """Paragraphs; what is indented after an empty line belongs to the paragraph before."""
    found: list[str] = []
    for part in re.split(r"\n\s*\n", text):
        if found and part.startswith(" "):
            found[-1] += "\n\n" + part
        elif found and part.startswith("- ") and found[-1].lstrip().startswith("- "):
            found[-1] += "\n" + part
        else:
            found.append(part)
    return found


def _joined(text: str) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", text) if part.strip()]


def _labelled(paragraph: str) -> list[tuple[str, str]]:
    """``Detached: a. Normaliser: b.`` as its two parts."""
    text = " ".join(paragraph.split())
    starts = [m.start() for m in re.finditer(r"(?:(?<=^)|(?<=\. ))(?:Detached|Normaliser|Deviations|Terms)\b", text)]
    parts = [text[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] or [text]
    found = []
    for part in parts:
        label, colon, rest = part.partition(": ")
        name = label.split(",")[0].split()[0]
        plain = label == name and colon
        found.append((name, rest[:1].upper() + rest[1:] if plain else part))
    return found


def _entries(body: str, names: Sequence[str]) -> dict[tuple[str, ...], str]:
    """The entries of an ``Args:`` block."""
    lines = inspect.cleandoc(body).splitlines()
    whole: list[str] = []
    for line in lines:
        if line.startswith(" ") and whole:
            whole[-1] += " " + line.strip()
        elif line.strip():
            whole.append(line.strip())
    found: dict[tuple[str, ...], str] = {}
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or NAME
    start = re.compile(rf"(?:^|(?<=\. ))((?:{known})(?:, (?:{known}))*): ")
    for entry in whole:
        places = list(start.finditer(entry))
        if not places:
            key, _, text = entry.partition(": ")
            found[tuple(key.split(", "))] = text
            continue
        for place, end in zip(places, [*(p.start() for p in places[1:]), len(entry)], strict=True):
            found[tuple(place[1].split(", "))] = entry[place.end() : end].strip()
    return found


def described(owner: Any) -> dict[str, str]:
    """What is said of each argument of a class, also where its docstring leaves it to another loss."""
    names = list(inspect.signature(owner).parameters)
    found: dict[str, str] = {}
    for text in inherited(owner):
        own = parse(text, names).arguments
        found = {**{name: said.partition(" The other")[0] for name, said in own.items() if name in names}, **found}
    for name in set(names) - set(found):
        found[name] = inspect.getdoc(getattr(owner, name)) or ""
    return found


def inherited(owner: Any) -> list[str]:
    """The docstrings of a loss, of its bases, and of the losses that it refers to for its arguments."""
    import yolosses as yl

    text = owner.__doc__ or ""
    losses = [getattr(yl, name) for name in re.findall(r"(?:[Ss]ee|as in|as) `(YOLO\w+Loss)`", text)]
    bases = [base for base in owner.__mro__[1:] if base.__module__.startswith("yolosses")]
    return [text, *(base.__doc__ or "" for base in [*losses, *bases])]


def markdown(text: str) -> str:
    """A paragraph of a docstring as MyST: `X` leads to X where the API has it, ``x`` is code."""
    if "::\n" in text or text.endswith("::"):
        return _with_literal(text)
    if text.lstrip().startswith("- "):
        return _inline(text)
    return _inline(" ".join(text.split()))


def _with_literal(text: str) -> str:
    head, _, code = text.partition("::\n")
    fence = f"```text\n{inspect.cleandoc(code)}\n```" if code.strip() else ""
    return f"{_inline(' '.join(head.split()))}:\n\n{fence}"


def _inline(text: str) -> str:
    parts = re.split(r"(``.+?``|`[^`\s]+`)", text, flags=re.DOTALL)
    return "".join(
        f"{{py:obj}}`{part[1:-1]}`"
        if part.startswith("`") and not part.startswith("``")
        else f"`{part[2:-2]}`"
        if part.startswith("``")
        else part.replace("*", r"\*").replace("_", r"\_").replace("<", r"\<").replace("[", r"\[").replace("^", r"\^")
        for part in parts
    )


def rest(text: str) -> str:
    """A paragraph of a docstring as reStructuredText: `X` leads to X where the API has it."""
    pieces = re.split(r"(``.+?``)", text, flags=re.DOTALL)
    return "".join(
        piece if piece.startswith("``") else re.sub(r"(?<![:\w`])`([^`\n]+)`(?!`)", r":py:obj:`\1`", _escaped(piece))
        for piece in pieces
    )


def _escaped(text: str) -> str:
    """Stars and the underscores at the end of words mean something in reStructuredText."""
    literal = text.find("::\n")
    head, code = (text, "") if literal < 0 else (text[: literal + 3], text[literal + 3 :])
    return re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", head.replace("*", r"\*")) + code
