"""A Sphinx extension: autodoc reads this library's docstrings, see `docstrings`."""

from __future__ import annotations

import inspect
from typing import Any

import docstrings

import yolosses as yl
from yolosses.losses.base import Loss


def _is_loss(what: Any) -> bool:
    return inspect.isclass(what) and issubclass(what, Loss) and what.__name__ in yl.__all__


def rewrite(_app: Any, kind: str, _name: str, what: Any, _options: Any, lines: list[str]) -> None:
    """A docstring as reStructuredText. That of a loss is left out: its page says the same in its own order."""
    text = "\n".join(lines).strip()
    plain = kind == "data" and text == inspect.cleandoc(type(what).__doc__ or "").strip()
    lines[:] = [] if _is_loss(what) or plain else as_rest(text, _names(what)).splitlines()


def _names(what: Any) -> list[str]:
    try:
        return list(inspect.signature(what).parameters)
    except (TypeError, ValueError):
        return []


def as_rest(text: str, names: list[str]) -> str:
    """Headings of sections in bold, entries as a list."""
    found = docstrings.parse(text, names)
    parts = [docstrings.rest(part) for part in found.intro]
    for title, entries in found.entries.items():
        parts.append(f"**{title}**")
        parts.append(
            "\n".join(
                f"- {', '.join(f'``{n}``' for n in keys)}: {docstrings.rest(said)}"
                for keys, said in entries.items()
            )
        )
    for title, paragraphs in found.sections.items():
        if title != "Notes":
            parts.append(f"**{title}**")
        parts += [docstrings.rest(part) for part in paragraphs]
    return "\n\n".join(parts) + "\n"


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}
