"""Templates filled in: what is shown comes from Python, how it looks from ``templates``."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.style import PALETTE, ink_on
from yolosses.language import Language, catalogue


def render(template: str, language: Language, **view: object) -> str:
    """A page or a part of one, as html.

    What is put into it is escaped unless it is `Markup`, and a name that the template uses must be given.

    Args:
        template: the name of a file in ``templates``.
        language: of its words: ``_("{count} of {of} pictures", count=..., of=...)``.
        view: what the template shows.
    """
    return _environment(language).get_template(template).render(view)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("yolosses.apps.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    words = catalogue(language)
    environment.globals |= {
        "language": language,
        "palette": PALETTE,
        "_": _filled(words.gettext),
        "ngettext": _filled(words.ngettext),
        "pgettext": _filled(words.pgettext),
        "npgettext": _filled(words.npgettext),
    }
    environment.filters |= {"fmt": format, "ink_on": ink_on, "number": number, "percent": percent}
    environment.tests["finite"] = math.isfinite
    return environment


def _filled(translate: Callable[..., str]) -> Callable[..., Markup]:
    """Messages have ``{names}`` as in Python, not Jinja's ``%(names)s``, so that code and templates share them."""

    def message(*texts: object, **values: object) -> Markup:
        text = escape(translate(*texts))
        return text.format(**values) if values else text

    return message
