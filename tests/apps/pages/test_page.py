"""A page holds all it needs, says what it is given, and is the same for the same content."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tests.errors import exactly

from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.picture_data import picture_data
from yolosses.apps.pages.render import _environment

VOID = {"meta", "link", "br", "img", "hr", "image", "rect", "path", "use", "circle"}


class Reader(HTMLParser):
    """Tags in order, ids, references, and what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.wrong: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.attributes.setdefault(tag, values)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self.references += [str(values[key]) for key in ("src", "href", "xlink:href") if values.get(key)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        depth = len(self.open)
        self.handle_starttag(tag, attrs)
        del self.open[depth:]

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def outside(text: str) -> list[str]:
    """References that leave the file."""
    return [ref for ref in Reader(text).references if not ref.startswith(("#", "data:"))] + re.findall(
        r"url\((?!#|data:)[^)]*\)|@import|<script|https?://", text
    )


def drawing() -> Figure:
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], marker="o", label="a")
    axes.imshow(np.random.default_rng(0).integers(0, 255, (80, 120, 3), dtype=np.uint8), extent=(0, 1, 0, 1))
    axes.legend()
    return figure


PAGE = """
{% extends "base.html" %}
{% import "_macros.html" as m %}
{% set sections = {"one": "one & two", "three": "three"} %}
{% block lead %}<p>first</p>{% endblock %}
{% block main %}
{% call m.section("one", sections) %}<p>body</p>{% endcall %}
{% call m.section("three", sections) %}
{% call m.table("all names", ["name", "n"], numeric=(1,)) %}
<tr><td>{{ name }}</td>{{ m.number(12345) }}</tr>
{% endcall %}
{% endcall %}
{% endblock %}
"""


def test_page_is_whole_and_asks_for_nothing() -> None:
    text = _environment("zh-TW").from_string(PAGE).render(title="a < b", name="<b>")
    read = Reader(text)
    assert read.open == []
    assert read.wrong == []
    assert outside(text) == []
    assert read.attributes["html"]["lang"] == "zh-TW"
    assert "<title>a &lt; b</title>" in text
    assert read.ids == ["one", "three"]
    assert text.index("<p>first</p>") < text.index("<h2>one &amp; two") < text.index("<p>body</p>")
    assert '<a href="#three">three</a>' in text
    assert "@media print" in text
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text


def test_a_table_escapes_text_and_right_aligns_numbers() -> None:
    text = _environment("en").from_string(PAGE).render(title="t", name="<b>")
    assert "<td>&lt;b&gt;</td>" in text
    assert '<th scope="col" class="number">n</th>' in text
    assert '<td class="number">12,345</td>' in text
    assert 'aria-label="all names"' in text


def test_picture_data_keeps_the_picture_and_reduces_it() -> None:
    picture = np.zeros((60, 120, 3), np.uint8)
    picture[:, 60:] = (200, 40, 40)
    data = picture_data(picture, max_side=60)
    assert data.startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) as image:
        assert image.size == (60, 30)
        pixels = np.asarray(image).astype(int)
    assert abs(pixels[15, 10] - (0, 0, 0)).max() < 12
    assert abs(pixels[15, 50] - (200, 40, 40)).max() < 12
    with pytest.raises(ValueError, match=exactly("picture: expected (H, W, 3) uint8; got (60, 120) uint8")):
        picture_data(picture[..., 0])


def test_figure_svg_is_inline_deterministic_and_has_ids_of_its_own() -> None:
    text, again = figure_svg(drawing(), alt='a "b"'), figure_svg(drawing(), alt='a "b"')
    assert text == again
    assert text.startswith("<svg")
    assert outside(text) == []
    assert "xmlns" not in text
    assert "<metadata" not in text
    read = Reader(text)
    assert read.attributes["svg"]["aria-label"] == 'a "b"'
    assert len(set(read.ids)) == len(read.ids)
    wanted = set(re.findall(r"url\(#([^)]*)\)", text)) | {r[1:] for r in read.references if r[0] == "#"}
    assert wanted
    assert wanted <= set(read.ids)
    other = Figure(figsize=(3, 2))
    other.add_subplot().plot([0, 1], [1, 0], marker="o")
    assert not set(read.ids) & set(Reader(figure_svg(other, alt="c")).ids)


def test_letters_of_a_figure_are_text_in_the_fonts_of_the_page() -> None:
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().set_xlabel("影像 <b> $x")
    text = figure_svg(figure, alt="")
    assert "影像 &lt;b&gt; $x</text>" in text
    assert "font-family" not in text
    assert "<style" not in text  # it would hold for the whole page


def test_figure_svg_keeps_photographs_small() -> None:
    rng = np.random.default_rng(0)
    photograph = np.repeat(np.repeat(rng.integers(0, 255, (24, 32, 3)), 20, 0), 20, 1).astype(float)
    photograph = np.clip(photograph + rng.normal(0, 8, photograph.shape), 0, 255).astype(np.uint8)
    figure = Figure(figsize=(4, 3))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(photograph)
    axes.set_axis_off()
    text = figure_svg(figure, alt="photograph")
    assert "data:image/jpeg;base64," in text
    assert "data:image/png" not in text
