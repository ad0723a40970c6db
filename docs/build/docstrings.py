"""The docstrings of this library, read once for the pages of the losses and for those of the API.

A docstring is paragraphs, of which some begin with a heading: ``Args:`` with indented entries, ``Shapes:`` with an
indented text, or a word and a colon in front of a sentence (``Detached: ...``).
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

ROOMS = ("structures", "losses", "codecs", "assigners", "functional", "boxes", "explain", "explain.pictures")
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
            found.sections[title] = _joined(textwrap.dedent(body))
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
    starts = [
        m.start() for m in re.finditer(r"(?:(?<=^)|(?<=\. ))(?:Detached|Normaliser|Deviations|Terms)\b", text)
    ]
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
    lines = textwrap.dedent(body).splitlines()
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
        found = {
            **{name: said.partition(" The other")[0] for name, said in own.items() if name in names},
            **found,
        }
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
    return "".join(_piece(part, "{{py:obj}}`~{}`", "`{}`", _escaped_markdown) for part in parts)


def _escaped_markdown(text: str) -> str:
    return re.sub(r"([*_<\[^])", r"\\\1", text)


def rest(text: str) -> str:
    """A paragraph of a docstring as reStructuredText: `X` leads to X where the API has it."""
    head, mark, code = text.partition("::\n")
    parts = re.split(r"(``.+?``|`[^`\s]+`)", head, flags=re.DOTALL)
    return "".join(_piece(part, ":py:obj:`~{}`", "``{}``", _escaped_rest) for part in parts) + mark + code


def _escaped_rest(text: str) -> str:
    return re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", re.sub(r"([*|])", r"\\\1", text))


def _piece(part: str, link: str, code: str, escape: Callable[[str], str]) -> str:
    """Code in two backticks; a name in one, which leads to the API if it is there; or words."""
    if part.startswith("``"):
        return code.format(part[2:-2])
    if part.startswith("`") and len(part) > 2:
        path = documented(part[1:-1])
        return link.format(path) if path else code.format(part[1:-1])
    return escape(part)


def documented(name: str) -> str | None:
    """Where the API has a name that a docstring gives in short."""
    import yolosses as yl

    name = name.removesuffix("()").removeprefix("yolosses.")
    first, _, rest = name.partition(".")
    if first.startswith("YOLO") and first in yl.__all__:
        return f"yolosses.{first}"
    rooms = [room for room in ROOMS if room == first and rest] or ROOMS
    name = rest if rooms == [first] else name
    for room in rooms:
        if name.partition(".")[0] in import_module(f"yolosses.{room}").__all__:
            return f"yolosses.{room}.{name}"
    return None


def names_as_code(text: str) -> str:
    """``raw: ...`` and ``ValueError, TypeError: ...`` with the names as code."""
    return re.sub(
        rf"^({NAME}(?:, {NAME})*): ", lambda m: ", ".join(f"``{n}``" for n in m[1].split(", ")) + ": ", text
    )
