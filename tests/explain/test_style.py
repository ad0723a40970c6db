"""The fonts, and the sizes of what they write."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager
from tests.explain.pictures.scene import requires_chinese

from yolosses.explain import style
from yolosses.explain.style import CHINESE_FONTS, PALETTE, ink_on, text_font, text_width, use_font

MISSING = (
    r"^language: expected a font with Chinese characters for 'zh-TW'; found none on this computer "
    r"\(on Debian and Ubuntu: apt install fonts-noto-cjk\)$"
)


def test_english_begins_with_the_font_of_matplotlib() -> None:
    assert text_font("en")[0] == "DejaVu Sans"
    assert Path(findfont("DejaVu Sans")).is_relative_to(matplotlib.get_data_path())
    assert set(text_font("en")[1:]) <= set(CHINESE_FONTS)


@requires_chinese
def test_chinese_begins_with_a_chinese_font() -> None:
    chinese, latin = text_font("zh-TW")
    assert chinese in CHINESE_FONTS
    assert latin == "DejaVu Sans"
    assert text_font("en") == [latin, chinese]  # for Chinese names of classes and files


def test_without_a_chinese_font_only_chinese_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "_chinese_font", lambda: None)
    assert text_font("en") == ["DejaVu Sans"]
    with pytest.raises(ValueError, match=MISSING):
        text_font("zh-TW")


def test_an_unknown_language() -> None:
    with pytest.raises(ValueError, match=r"language: expected .*'zh-TW'.*; got 'fr'"):
        text_font("fr")  # type: ignore[arg-type]


@requires_chinese
def test_a_font_that_matplotlib_has_not_seen_yet_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [font for font in fontManager.ttflist if "CJK" not in font.name and font.name not in CHINESE_FONTS]
    monkeypatch.setattr(fontManager, "ttflist", seen)
    style._look_again.cache_clear()
    assert text_font("zh-TW")[0] in CHINESE_FONTS


def test_files_of_other_fonts_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [findfont("DejaVu Sans"), "/fonts/Comic.ttf"]
    monkeypatch.setattr(fontManager, "ttflist", [])
    monkeypatch.setattr(style, "findSystemFonts", lambda: found)
    style._look_again.cache_clear()
    try:
        assert style._chinese_font() is None
        assert fontManager.ttflist == []
    finally:
        style._look_again.cache_clear()


def test_text_is_drawn_letter_by_letter() -> None:
    figure = Figure()
    axes = figure.add_subplot()
    text = axes.text(0, 0, "5$ and 7$")
    use_font(figure, "en")
    assert not text.get_parse_math()
    assert text.get_fontfamily() == text_font("en")
    axes.set_xlim(0, 1e9)  # ticks that did not exist before
    for tick in axes.get_xticklabels():
        assert tick.get_fontfamily() == text_font("en")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO(), format="png", dpi=40)


def test_widths_are_those_that_are_drawn() -> None:
    figure = Figure(figsize=(8, 2), dpi=200)
    for size, bold in ((8.0, False), (14.0, True)):
        text = figure.text(0, 0.5, "12 objects, IoU 0.52", fontsize=size, weight="bold" if bold else "normal")
        drawn = text.get_window_extent().width / 200
        assert text_width(text.get_text(), size, text_font("en"), bold=bold) == pytest.approx(drawn, rel=0.03)


def test_ink_can_be_read() -> None:
    assert ink_on("#FFFFFF") == "#000000"
    assert ink_on("#000000") == ink_on(PALETTE[0]) == "#FFFFFF"
