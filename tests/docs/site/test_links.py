"""Every link, image and anchor of the built site leads somewhere, and every page is there in both languages."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[3]
LANGUAGES = {"en": "en", "zh-TW": "zh-Hant-TW"}  # folder, and lang of its pages
REPOSITORY = re.compile(r"https://github\.com/yolosses/yolosses/(?:blob|tree)/main/([^#?]+)")


class Reader(HTMLParser):
    """The addresses and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.lang = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.addresses += [found[name] for name in ("href", "src") if name in found and tag != "use"]
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "html":
            self.lang = found.get("lang", "")


@cache
def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text("utf-8"))
    return reader


def pages(site: Path) -> list[Path]:
    return sorted(page for page in site.rglob("*.html") if "_static" not in page.parts)


def test_links_images_and_anchors_are_there(site: Path) -> None:
    broken = []
    for page in pages(site):
        for address in read(page).addresses:
            parts = urlsplit(address)
            if parts.scheme or address.startswith("//"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = target.exists()
            if (
                known and target.suffix == ".html" and target.parent != site / "playground"
            ):  # there it is a state
                known = unquote(parts.fragment) in {"", *read(target).anchors}
            if not known:
                broken.append(f"{page.relative_to(site)}: {address}")
    assert broken == []


def test_links_to_elsewhere_are_well_formed(site: Path) -> None:
    wrong = []
    for page in pages(site):
        for address in read(page).addresses:
            parts = urlsplit(address)
            inside = REPOSITORY.fullmatch(address.partition("#")[0])
            if parts.scheme in ("", "data", "mailto"):
                continue
            if parts.scheme != "https" or "." not in parts.netloc or " " in address:
                wrong.append(f"{page.relative_to(site)}: {address}")
            elif inside and not (ROOT / inside[1]).exists():
                wrong.append(f"{page.relative_to(site)}: {address} is not in the repository")
    assert wrong == []


def test_both_languages_have_the_same_pages(site: Path) -> None:
    english, chinese = (
        {page.relative_to(site / name) for page in pages(site / name)} for name in ("en", "zh-TW")
    )
    assert english == chinese
    assert len(english) > 50


def test_every_page_says_its_language_and_leads_to_the_other(site: Path) -> None:
    for folder, lang in LANGUAGES.items():
        for page in pages(site / folder):
            found = read(page)
            assert found.lang == lang, page
            for other in LANGUAGES:
                same = (site / other / page.relative_to(site / folder)).resolve()
                assert same in {(page.parent / each).resolve() for each in found.addresses}, page


def test_the_root_leads_to_both_languages_without_a_script(site: Path) -> None:
    assert {"en/index.html", "zh-TW/index.html"} <= set(read(site / "index.html").addresses)
