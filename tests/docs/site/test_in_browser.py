"""The built site in a real browser: at a desk and on a phone, light and dark, in both languages."""

import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.ft2font import FT2Font

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
KINDS = {  # one page of each kind
    "landing": "index",
    "tutorial": "tutorials/start",
    "lesson": "lessons/04-sizes",
    "how-to": "how-to/nan",
    "explanation": "explanation/yolov1-loss",
    "glossary": "glossary",
    "loss": "reference/losses/v1",
    "API": "reference/api/structures",
    "commands": "reference/cli",
    "register": "reference/deviations",
    "search": "search",
}
UNSET = "[...document.querySelectorAll('[data-tex]')].filter(each => !each.querySelector('.katex')).length"
FOCUSED = "['className', 'name', 'hreflang'].map(name => document.activeElement[name] || '').join(' ')"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def watched(browser: Any, request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[str]]]:
    """A page of a colour scheme, and what went wrong on it."""
    page = browser.new_page(color_scheme=request.param)
    wrong: list[str] = []
    page.on(
        "console", lambda said: wrong.append(f"{page.url}: {said.text}") if said.type == "error" else None
    )
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda asked: (
            wrong.append(f"{page.url}: asks {asked.url}")
            if not asked.url.startswith(("http://127.0.0.1", "data:", "blob:"))
            else None
        ),
    )
    yield page, wrong
    page.close()


@pytest.mark.parametrize("watched", SCHEMES, indirect=True)
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_no_page_errs_asks_elsewhere_or_is_too_wide(
    watched: tuple[Any, list[str]], site: Path, address: str, language: str
) -> None:
    page, wrong = watched
    for file in sorted((site / language).rglob("*.html")):
        if "_static" in file.parts:
            continue
        page.goto(f"{address}/{file.relative_to(site).as_posix()}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate(WIDER) > 0:
                wrong.append(f"{page.url}: {page.evaluate(WIDER)} px wider than {width}")
        unset = page.evaluate(
            "[...document.querySelectorAll('[data-tex]')].filter(m => !m.querySelector('.katex')).length"
        )
        if unset:
            wrong.append(f"{page.url}: {unset} formulas are not typeset")
    assert wrong == []


class Text(HTMLParser):
    """The characters that a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found |= set(data)


def test_every_character_has_a_glyph_in_some_font(site: Path) -> None:
    shown = Text()
    for file in site.rglob("*.html"):
        shown.feed(file.read_text("utf-8"))
    fonts = subprocess.run(["fc-list", "--format=%{file}\n"], capture_output=True, text=True, check=True)
    covered: set[str] = set()
    for font in sorted(set(fonts.stdout.splitlines())):
        if font.endswith((".ttf", ".otf", ".ttc")):
            covered |= set(map(chr, FT2Font(font).get_charmap()))
    missing = {
        character
        for character in shown.found - covered
        if character.isprintable() and not character.isspace()
    }
    assert missing == set()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_page_of_each_kind_meets_wcag_aa(
    browser: Any, address: str, language: str, kind: str, scheme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is not installed"
    ).Axe()
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/{language}/{KINDS[kind]}.html")
    found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    page.close()
    assert [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found.response["violations"]
        for node in rule["nodes"][:5]
    ] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_keyboard_reaches_languages_theme_and_search(browser: Any, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{address}/en/how-to/nan.html")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    page.close()
    every = " | ".join(reached)
    for part in ("zh-Hant-TW", "theme-toggle", "__navigation" if width < 1000 else "sidebar-search"):
        assert part in every, every


@pytest.mark.parametrize("width", WIDTHS)
def test_the_switch_leads_to_the_same_page_and_back(browser: Any, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{address}/en/reference/losses/v1.html")
    page.click("nav.languages >> text=繁體中文")
    assert page.url == f"{address}/zh-TW/reference/losses/v1.html"
    assert "誰負責" in page.inner_text("article")
    page.click("nav.languages >> text=English")
    assert page.url == f"{address}/en/reference/losses/v1.html"
    page.close()


@pytest.mark.parametrize(
    ("language", "asked", "expected"),
    [
        ("en", "my loss is NaN", "how-to/nan.html"),
        ("en", "several processes", "how-to/several-processes.html"),
        ("en", "multiple GPUs", "how-to/several-processes.html"),
        ("en", "mixed precision", "how-to/several-processes.html"),
        ("en", "YOLOv11", "how-to/training-loop.html"),
        ("zh-TW", "信心度", "lessons/05-confidence.html"),
        ("zh-TW", "損失函數 NaN", "how-to/nan.html"),
        ("zh-TW", "多張 GPU", "how-to/several-processes.html"),
        ("zh-TW", "負責", "reference/losses/v1.html"),
        ("zh-TW", "my loss is NaN", "how-to/nan.html"),
    ],
)
@pytest.mark.parametrize("served", [True, False], ids=["from a server", "from files"])
def test_search_finds(
    browser: Any, site: Path, address: str, language: str, asked: str, expected: str, served: bool
) -> None:
    page = browser.new_page()
    page.goto(f"{address if served else site.as_uri()}/{language}/index.html")
    page.fill(".sidebar-search", asked)
    page.press(".sidebar-search", "Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("!document.querySelector('#search-results h2').innerText.includes('.')")
    page.wait_for_timeout(500)
    found = page.eval_on_selector_all("#search-results li > a", "all => all.map(a => a.getAttribute('href'))")
    page.close()
    assert expected in {link.partition("#")[0].partition("?")[0] for link in found[:10]}, found[:10]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("my+loss+is+NaN", "how-to/nan.html"),
        ("is+my+loss+good", "faq.html"),
        ("DDP", "how-to/several-processes.html"),
    ],
)
def test_search_answers_an_engineer_with_the_page_first(
    browser: Any, address: str, asked: str, first: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/en/search.html?q={asked}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(500)
    assert first in page.get_attribute("#search-results li >> nth=0 >> a", "href")
    page.close()
