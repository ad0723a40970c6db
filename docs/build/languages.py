"""A Sphinx extension: the two languages of the site, and the switch between them on every page."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

# Of each language of Sphinx: the folder, the HTML's lang, and its own name.
LANGUAGES = {"en": ("en", "en", "English"), "zh_TW": ("zh-TW", "zh-Hant-TW", "繁體中文")}
WORDS = re.compile(r"[^\W\d_]{2}")
MEASURED = re.compile(r"[\w ]*[\d.,]+ (ms|µs|M)")  # a time, and maybe whose


def add_switch(app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """What the templates need to lead to the same page in each language."""
    context["language"] = LANGUAGES[app.config.language][1]
    up = "../" * (page.count("/") + 1)
    context["site_languages"] = [
        {"url": f"{up}{folder}/{page}.html", "lang": lang, "name": name, "here": code == app.config.language}
        for code, (folder, lang, name) in LANGUAGES.items()
    ]


def mend_html(_app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """What the keyboard and screen readers need: blocks of code can be scrolled, captions say how deep they are."""
    if "body" in context:
        body = context["body"].replace("<pre>", '<pre tabindex="0">')
        body = body.replace("<dl>", '<dl role="presentation">')  # Sphinx lays long signatures out with these
        context["body"] = body.replace(
            '<dd><em class="sig-param">', '<dd role="presentation"><em class="sig-param">'
        )
    menu = context.get("furo_navigation_tree")
    if menu:
        context["furo_navigation_tree"] = menu.replace('role="heading"', 'role="heading" aria-level="2"')


class LeaveCode(SphinxTransform):
    """Paragraphs and cells that hold code or numbers alone are not for translators."""

    default_priority = 5  # before what collects messages

    def apply(self, **_: Any) -> None:
        for node in self.document.findall(nodes.TextElement):
            prose = isinstance(node, (nodes.paragraph, nodes.term, nodes.rubric))
            if isinstance(node, nodes.math_block) or (prose and all(map(_is_code, node.children))):
                node["translatable"] = False


def _is_code(node: nodes.Node) -> bool:
    """Whether nothing in it is in a language."""
    if isinstance(node, nodes.Text):
        return not WORDS.search(node.astext()) or bool(MEASURED.fullmatch(node.astext()))
    if isinstance(node, (nodes.literal, nodes.math, nodes.image)):
        return True
    return isinstance(node, (addnodes.pending_xref, nodes.reference)) and all(map(_is_code, node.children))


def name_folds(_app: Any, config: Any) -> None:
    """The words on folded cells of notebooks."""
    if config.language == "zh_TW":
        config.nb_code_prompt_show, config.nb_code_prompt_hide = "顯示程式碼", "隱藏程式碼"


def setup(app: Any) -> dict[str, bool]:
    app.add_transform(LeaveCode)
    app.connect("config-inited", name_folds, priority=1)
    app.connect("html-page-context", add_switch)
    app.connect("html-page-context", mend_html, priority=900)  # after the theme has put the menu there
    return {"parallel_read_safe": True}
