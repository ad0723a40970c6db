"""A Sphinx extension: the two languages of the site, and the switch between them on every page."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

# Of each language of Sphinx: the folder, the HTML's lang, and its own name.
LANGUAGES = {"en": ("en", "en", "English"), "zh_TW": ("zh-TW", "zh-Hant-TW", "繁體中文")}
WORDS = re.compile(r"[^\W\d_]{2}")


def add_switch(app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """What the templates need to lead to the same page in each language."""
    context["language"] = LANGUAGES[app.config.language][1]
    up = "../" * (page.count("/") + 1)
    context["site_languages"] = [
        {"url": f"{up}{folder}/{page}.html", "lang": lang, "name": name, "here": code == app.config.language}
        for code, (folder, lang, name) in LANGUAGES.items()
    ]


class LeaveNumbers(SphinxTransform):
    """Cells of tables that hold code or numbers alone are not for translators."""

    default_priority = 5  # before what collects messages

    def apply(self, **_: Any) -> None:
        for node in self.document.findall(nodes.TextElement):
            if isinstance(node, (nodes.paragraph, nodes.term)):
                code = (nodes.literal, nodes.math, nodes.Inline)
                prose = "".join(child.astext() for child in node.children if not isinstance(child, code))
                code_only = all(isinstance(child, (*code[:2], nodes.Text)) for child in node.children)
                if code_only and not WORDS.search(prose):
                    node["translatable"] = False


def setup(app: Any) -> dict[str, bool]:
    app.add_transform(LeaveNumbers)
    app.connect("html-page-context", add_switch)
    return {"parallel_read_safe": True}
