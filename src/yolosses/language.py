"""The languages that there are words for: English in the code, the others in catalogues (gettext).

``locale/zh_TW/LC_MESSAGES/yolosses.po`` holds the Traditional Chinese of every English message. A language exists as
soon as it has such a file.

This module needs nothing but the standard library, so that ``--help`` can name the languages at once.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path

Language = str  # "en", "zh-TW": as browsers and documents name languages

DOMAIN = "yolosses"
LOCALE = Path(__file__).parent / "locale"
LANGUAGES: tuple[Language, ...] = (
    "en",
    *sorted(
        {path.parts[-3].replace("_", "-") for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.[mp]o")} - {"en"}
    ),
)


def require_language(language: str) -> None:
    """Raise ``ValueError`` unless ``language`` is one that there are words for."""
    if language not in LANGUAGES:
        raise ValueError(f"language: expected one of {', '.join(map(repr, LANGUAGES))}; got {language!r}")


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The words of a language: an object with ``gettext``, ``ngettext``, ``pgettext`` and ``npgettext``.

    Raises:
        ValueError: an unknown language.
        RuntimeError: its catalogue is not compiled, and Babel is not there to do it.
    """
    require_language(language)
    if language == "en":
        return gettext.NullTranslations()
    written = LOCALE / language.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = written.with_suffix(".mo")
    if not written.exists():  # a wheel holds what is compiled only
        return _read(compiled.read_bytes())
    if compiled.exists() and compiled.stat().st_mtime >= written.stat().st_mtime:
        return _read(compiled.read_bytes())
    try:
        return _read(compile_catalogue(written))
    except ImportError as error:
        raise RuntimeError(
            f"{written}: expected a compiled catalogue beside it that is not older; run `pip install -e .` again, "
            "or install babel"
        ) from error


def compile_catalogue(written: Path) -> bytes:
    """What the ``.mo`` file of a ``.po`` file holds. Raises ``ImportError`` where Babel is not installed."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with written.open("rb") as file:
        write_mo(compiled, read_po(file))
    return compiled.getvalue()


def _read(compiled: bytes) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(compiled))


def joined(parts: Iterable[str], language: Language) -> str:
    """With the commas of the language."""
    return catalogue(language).gettext(", ").join(parts)


def N_(message: str) -> str:  # noqa: N802 (the name that gettext's tools look for)
    """Mark a message that stands in a table of the code; what is shown is ``catalogue(...).gettext`` of it."""
    return message
