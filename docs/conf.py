"""Sphinx reads this for both languages; `docs/build/website.py` lays out the sources and runs it."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "build"))

import inventories  # noqa: E402

import yolosses  # noqa: E402

project = "yolosses"
author = "The yolosses developers"
release = yolosses.__version__
html_show_copyright = False
html_show_sourcelink = False

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    # in docs/build:
    "katex",
    "languages",
    "autodoc_style",
    "searching",
]
exclude_patterns = ["**/.ipynb_checkpoints"]

# --- what is written
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "executed")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

smartquotes = False  # what stands in quotes is often code

# --- what is read from docstrings
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
toc_object_entries = False
toc_object_entries_show_parents = "hide"

intersphinx_mapping = {
    name: (address, str(DOCS / "_build" / "inventories" / f"{name}.inv"))
    for name, address in inventories.ADDRESSES.items()
}

# --- how it looks
html_theme = "furo"
html_title = "yolosses"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_search_scorer = str(DOCS / "build" / "scorer.js")
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": "https://github.com/yolosses/yolosses/",
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b5c8a", "color-brand-content": "#0b5c8a"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_exclude = ".linenos, .gp, .go"

# --- how it is translated: one catalogue for all of reference/
locale_dirs = [str(DOCS / "locale")]
gettext_compact = True
gettext_additional_targets = []
