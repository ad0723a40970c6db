"""Pages and tables from html that Python made, for what has no template yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from yolosses.apps.pages.render import render
from yolosses.language import Language

_NUMBER = re.compile(r"–?|[-+]?[\d.,]+(e[-+]?\d+)?( %)?")


class Html(str):
    """Text that is html already and is not escaped again."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


Cell = str | int | float | Html


@dataclass(frozen=True)
class Section:
    """A part of a page: ``title`` is plain text, ``body`` html."""

    title: str
    body: str


def page(title: str, sections: Sequence[Section], *, language: Language, lead: str, style: str = "") -> str:
    """A whole html page.

    Args:
        title: plain text, also the title of the window.
        sections: what follows the lead; each is reachable from a line of contents at the top.
        language: of the text, for the browser's fonts, hyphens and voice.
        lead: html between the title and the sections: what a person should see first.
        style: css of this page alone.
    """
    return render(
        "sections.html",
        language,
        title=title,
        lead=Markup(lead),
        sections={f"section-{number}": section.title for number, section in enumerate(sections, 1)},
        bodies=[Markup(section.body) for section in sections],
        style=Markup(style.strip()),
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, caption: str = "") -> str:
    """A table. Columns of numbers stand right-aligned: int, float, and texts such as "12.3 %" or "–".

    Cells are escaped unless they are ``Html``. A float is shown with four significant digits.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"rows[{number}]: expected {len(columns)} cells, one a column; got {len(row)}")
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    kinds = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{_cell(name)}</th>' for kind, name in zip(kinds, columns, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{_cell(value)}</td>" for kind, value in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0"><table>{above}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) or _NUMBER.fullmatch(value) is not None


def _cell(value: Cell) -> str:
    if isinstance(value, Html):
        return value
    if isinstance(value, str):
        return escape(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
