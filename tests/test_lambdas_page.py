"""The page "What the lambdas do" says what the stored results say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent.parent / "docs"
LANGUAGES = ("en", "zh-TW")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lambdas", DOCS / "build" / "lambdas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_what_the_results_make_of_the_text(builder: ModuleType, language: str) -> None:
    """With all checks of its statements; on failure run ``python docs/build/lambdas.py`` and read what changed."""
    built = builder.page(language, builder.studies())
    assert builder.page_path(language).read_text("utf-8") == built
    assert "{{" not in built


def test_a_statement_that_the_results_do_not_support_stops_the_build(builder: ModuleType) -> None:
    known = builder.studies()
    with pytest.raises(
        ValueError, match=r"mean_iou falls from lambda_coord 1 to 25, says the text; it rises$"
    ):
        builder.look_up(["check", "digits", "mean_iou", "lambda_coord", "1", "falls", "25"], known, "en")


def test_the_figures_show_the_stored_means(builder: ModuleType) -> None:
    known = builder.studies()
    figure = builder.maps(known["bccd"], "en")
    shown = [text.get_text() for text in figure.axes[0].texts]
    means = [
        builder.value(known["bccd"], "map50", [f"lambda_noobj={noobj}", f"lambda_coord={coord}"]).mean
        for noobj in ("2", "0.5", "0")
        for coord in ("1", "5", "25")
    ]
    assert shown == [builder.format_value("map50", mean) for mean in means]
