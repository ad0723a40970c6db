"""A Sphinx extension: formulas are typeset in the reader's browser by the copy of KaTeX in ``docs/_static``."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(f'<span class="math" data-tex="{escape(node.astext())}">{escape(node.astext())}</span>')
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    tex = node.astext().strip()
    self.body.append(self.starttag(node, "div", CLASS="math", **{"data-tex": tex, "tabindex": "0"}))
    self.body.append(f"{escape(tex)}</div>\n")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    app.add_html_math_renderer("katex", (_inline, None), (_block, None))
    app.config.html_math_renderer = "katex"
    app.add_css_file("katex/katex.min.css")
    app.add_js_file("katex/katex.min.js", loading_method="defer")
    app.add_js_file("math.js", loading_method="defer")
    return {"parallel_read_safe": True}
