"""The language that lessons speak, and sentences in both."""

from __future__ import annotations

from typing import NamedTuple

from yolosses.language import Language, require_language

_spoken: Language = "en"


class Words(NamedTuple):
    """One text in English and in Traditional Chinese."""

    en: str
    zh: str


def set_language(language: Language) -> None:
    """From now on, checks, hints and solutions of this session speak ``language``: "en" or "zh-TW".

    Raises:
        ValueError: naming ``language``.
    """
    global _spoken
    require_language(language)
    _spoken = language


def spoken() -> Language:
    """The language of this session."""
    return _spoken


def say(words: Words, **values: object) -> str:
    """The text in the language of this session, with ``{name}`` replaced by ``values``."""
    text = words.zh if _spoken == "zh-TW" else words.en
    return text.format(**values) if values else text
