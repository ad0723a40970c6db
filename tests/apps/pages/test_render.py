"""Templates: what comes from outside is escaped, what is missing is an error, words are those of the language."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from yolosses.apps.pages import render as rendering
from yolosses.apps.pages.render import render

TEMPLATES = Path(rendering.__file__).parent / "templates"


def shown(source: str, language: str = "en", **view: object) -> str:
    return rendering._environment(language).from_string(source).render(view)


def test_what_is_shown_is_escaped_unless_it_is_markup() -> None:
    assert shown("{{ a }}{{ b }}", a="<i>", b=Markup("<i>")) == "&lt;i&gt;<i>"


def test_a_name_that_was_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render("base.html", "en", sections={})


def test_values_in_messages_are_escaped_too() -> None:
    source = '{{ _("Label files are named as seen from {folder}.", folder=folder) }}'
    assert shown(source, folder="<i>") == "Label files are named as seen from &lt;i&gt;."
    assert shown(source, "zh-TW", folder=Markup("<b>x</b>")) == "標註檔的路徑都從 <b>x</b> 算起。"


def test_plural_forms() -> None:
    source = '{{ ngettext("{count} object", "{count} objects", n, count=n) }}'
    assert [shown(source, n=n) for n in (1, 2)] == ["1 object", "2 objects"]
    assert [shown(source, "zh-TW", n=n) for n in (1, 2)] == ["1 個物件", "2 個物件"]


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (12345, "", "12,345"),
        (0.123456, "", "0.1235"),
        (0.0123, ".1%", "1.2%"),
        (None, ".1f", "–"),
        ("7/9", "", "7/9"),
    ],
)
def test_numbers(value: object, spec: str, text: str) -> None:
    source = '{% import "_macros.html" as m %}{{ m.shown(value, spec) }}'
    assert shown(source, value=value, spec=spec) == text


def test_a_bar_is_in_proportion() -> None:
    source = '{% import "_macros.html" as m %}{{ m.bar(value, longest) }}'
    widths = [
        float(re.search(r'<rect[^>]*width="([\d.]+)"', shown(source, value=value, longest=4))[1])  # type: ignore[index]
        for value in (1, 4)
    ]
    assert widths == [24.75, 99.0]
    assert 'width="0"' in shown(source, value=1, longest=0)


def test_a_stacked_bar_lays_the_terms_end_to_end() -> None:
    source = '{% import "_macros.html" as m %}{{ m.stacked_bar([1.0, 0.0, 3.0], 8.0, width=81) }}'
    parts = re.findall(r'<rect x="([\d.]+)" y="1" width="([\d.]+)".*?url\(#fill-(\d)\)', shown(source))
    assert parts == [("0.5", "10.0", "0"), ("10.5", "30.0", "2")]


def test_fills_differ_beside_colour() -> None:
    drawn = shown('{% import "_macros.html" as m %}{{ m.patterns(5) }}')
    fills = re.findall(r'<rect[^>]*fill="(#\w+)"/>\s*<path d="([^"]*)"', drawn)
    assert len({colour for colour, _ in fills}) == len({lines for _, lines in fills}) == 5


def test_templates_never_switch_escaping_off() -> None:
    for template in TEMPLATES.iterdir():
        assert not re.search(r"\|\s*safe\b|autoescape", template.read_text("utf-8")), template.name
