"""The page of a study: what it says, in both languages, for whole, small, broken-off and sampled studies."""

import importlib.util
import random
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.studies.ablation.synthetic import plausible, synthetic

from yolosses.apps.pages.charts.levels import LevelChart, ScatterChart
from yolosses.apps.pages.study import study_page
from yolosses.apps.pages.views.study import is_clear, verdict
from yolosses.apps.pages.views.study_effects import EFFECTS, MAPS, effects, maps
from yolosses.apps.pages.views.study_numbers import MAIN
from yolosses.apps.pages.views.study_selection import Selection
from yolosses.language import LANGUAGES, Language, catalogue
from yolosses.studies.ablation.findings import findings
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import sentence
from yolosses.studies.ablation.statistics import Table
from yolosses.studies.ablation.structures import Setting, StudyResults
from yolosses.studies.errors import PAPER_YOLO

CHROMIUM = shutil.which("chromium")
SMALL = {"lambda_coord": (1, 5), "lambda_noobj": (0.1, 0.5, 2)}


@pytest.fixture(scope="module")
def study() -> StudyResults:
    return synthetic(lambdas=SMALL, seeds=2)


@pytest.fixture(scope="module")
def pages(study: StudyResults) -> dict[Language, str]:
    return {language: study_page(study, language=language) for language in LANGUAGES}


def sampled(runs: int = 24) -> StudyResults:
    """Values drawn from ranges, one run each."""
    draw, results = random.Random(0), []
    (pattern,) = synthetic(lambdas={"lambda_coord": (5,)}, seeds=1).results
    for trial in range(runs):
        setting: Setting = {
            "lambda_coord": round(10 ** draw.uniform(-0.5, 1.5), 4),
            "lambda_noobj": round(10 ** draw.uniform(-2, 0.5), 4),
            "size_term": draw.choice(["sqrt", "plain"]),
        }
        results.append(replace(pattern, trial=trial, setting=setting, measures=dict(plausible(setting))))
    return replace(
        synthetic(lambdas=SMALL, seeds=1),
        parameters={name: tuple(sorted({r.setting[name] for r in results})) for name in results[0].setting},
        defaults={"lambda_coord": 5.0, "lambda_noobj": 0.5, "size_term": "sqrt"},
        results=tuple(results),
        objective="map50",
        states={"complete": runs, "pruned": 3, "fail": 1},
    )


def text_of(html: str) -> str:
    """What a person reads, without hovering."""
    for element in ("style", "title"):
        html = re.sub(rf"<{element}>.*?</{element}>", "", html, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


def sections(html: str) -> list[str]:
    return [unescape(title) for title in re.findall(r"<h2>([^<]+)</h2>", html)]


# ------------------------------------------------------------ what is seen first


def test_the_lead_tells_what_was_varied_what_is_best_and_what_was_found(
    study: StudyResults, pages: dict[Language, str]
) -> None:
    html = pages["en"]
    lead = html[html.index("<header>") : html.index("</header>")]
    said = text_of(lead)
    assert "What changes with lambda_coord and lambda_noobj: loss v1 on digits" in said
    assert "6 settings × 2 seeds = 12 runs of 2 epochs each" in said
    assert "learnt from train (400 pictures), measured on val (200 pictures)" in said
    best = max(study.settings, key=lambda setting: Table.of(study, "map50").level(setting).mean)  # type: ignore[union-attr]
    assert Selection(study).best == best
    assert f"lambda_coord = {best['lambda_coord']}, lambda_noobj = {best['lambda_noobj']}" in said
    values = re.findall(r'<tr data-parameter="(\w+)"', lead)
    assert values == list(SMALL)
    chips = re.findall(r'<span class="chip([^"]*)">(?:<svg.*?</svg>)?([\d.]+)', lead)
    assert [value for _, value in chips] == ["1", "5", "0.1", "0.5", "2"]
    assert [value for kinds, value in chips if "default" in kinds] == ["5", "0.5"]
    found = re.findall(r'<li data-kind="(\w+)"', lead)
    assert 3 <= len(found) <= 5
    assert "no_difference" not in found


def test_the_verdict_compares_the_best_with_the_default() -> None:
    def effects(best: float) -> Any:
        return lambda setting: {**plausible({}), "map50": best if setting["lambda_coord"] == 1 else 0.5}

    apart = synthetic(lambdas={"lambda_coord": (1, 5)}, noise=0.001, effects=effects(0.7))
    lines = verdict(Selection(apart), "en")
    assert lines[0].startswith("Best: lambda_coord = 1 with mAP50 ")
    assert lines[1].startswith("The default (lambda_coord = 5) has ")
    assert lines[1].endswith("The two intervals do not overlap.")
    close = synthetic(lambdas={"lambda_coord": (1, 5)}, noise=0.02, effects=effects(0.5001))
    assert Selection(close).best is not None
    if Selection(close).best == {"lambda_coord": 1}:
        assert verdict(Selection(close), "en")[1].endswith("the difference may be chance.")
    own = synthetic(lambdas={"lambda_coord": (1, 5)}, noise=0.001, effects=effects(0.3))
    assert verdict(Selection(own), "en")[0].startswith("Best is the default: lambda_coord = 5 with mAP50 ")
    once = synthetic(lambdas={"lambda_coord": (1, 5)}, seeds=1, noise=0.001, effects=effects(0.7))
    assert verdict(Selection(once), "en")[1].endswith(
        "no intervals with one seed: the difference may be chance."
    )
    without = replace(apart, defaults={"lambda_coord": 10})
    assert verdict(Selection(without), "en")[1] == "The default was not measured."


def test_every_finding_is_a_sentence_under_its_parameter(
    study: StudyResults, pages: dict[Language, str]
) -> None:
    for language, html in pages.items():
        part = html[html.index(f"<h2>{catalogue(language).gettext('Findings')}</h2>") :]
        part = part[: part.index("</section>")]
        said = text_of(part).replace(" .", ".").replace(" ,", ",").replace(" ;", ";")
        for finding in findings(study):
            told = re.sub(r"\s+", "", sentence(finding, study, language))
            assert told in re.sub(r"\s+", "", said)
        assert part.index("<h3><code>lambda_coord</code></h3>") < part.index(
            "<h3><code>lambda_noobj</code></h3>"
        )
        unclear = [
            finding for finding in findings(study) if not is_clear(finding) and finding.kind != "no_statement"
        ]
        assert (catalogue(language).gettext("No difference seen") in said) == bool(unclear)


# ------------------------------------------------------------ numbers


def test_heat_maps_hold_the_means_of_all_settings(study: StudyResults) -> None:
    by_ability, mapped_over = maps(Selection(study), "en")
    assert mapped_over == []
    assert {ability: tuple(c.quantity.name for c in some) for ability, some in by_ability.items()} == MAPS
    for chart in (chart for some in by_ability.values() for chart in some):
        assert len(chart.cells) == 6
        for (column, row), cell in chart.cells.items():
            setting = {
                "lambda_coord": SMALL["lambda_coord"][column],
                "lambda_noobj": SMALL["lambda_noobj"][row],
            }
            assert cell == Table.of(study, chart.quantity.name).level(setting)  # type: ignore[arg-type]


def test_small_charts_hold_the_means_of_each_value(study: StudyResults) -> None:
    found = effects(Selection(study), "en")
    assert list(found) == list(SMALL)
    for parameter, charts in found.items():
        assert [chart.quantity.name for chart in charts] == list(EFFECTS)  # type: ignore[union-attr]
        for chart in charts:
            assert isinstance(chart, LevelChart)
            assert chart.intervals == {
                level: Table.of(study, chart.quantity.name).level({parameter: level})
                for level in SMALL[parameter]
            }


def test_error_bars_hold_the_costs_and_the_papers_figures(
    study: StudyResults, pages: dict[Language, str]
) -> None:
    html = pages["en"]
    part = html[html.index("<h2>What kind of errors</h2>") :]
    part = part[: part.index("</section>")]
    rows = re.findall(r'data-bar="([^"]+)"', part)
    assert rows == [
        "1",
        "5",
        "1",
        "5",
        "YOLO, VOC 2007",
        "0.1",
        "0.5",
        "2",
        "0.1",
        "0.5",
        "2",
        "YOLO, VOC 2007",
    ]
    first = part[part.index('data-bar="1"') : part.index("</tr>", part.index('data-bar="1"'))]
    for kind, value in re.findall(r'data-part="(\w+)" data-value="([^"]+)"', first):
        interval = Table.of(study, f"tide_{kind}").level({"lambda_coord": 1, "lambda_noobj": 0.5})
        assert interval
        assert float(value) == interval.mean
    paper = part[part.rindex('data-bar="YOLO') :]
    assert {
        kind: float(value) for kind, value in re.findall(r'data-part="(\w+)" data-value="([^"]+)"', paper)
    } == PAPER_YOLO
    assert sum(PAPER_YOLO.values()) == pytest.approx(1, abs=0.0051)  # as printed in the paper: 99.75 %


def test_the_table_has_every_setting_with_its_numbers(
    study: StudyResults, pages: dict[Language, str]
) -> None:
    html = pages["en"]
    part = html[html.index("<h2>All numbers</h2>") :]
    table = part[part.index("<table>") : part.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", table[table.index("<tbody>") :], re.DOTALL)
    assert len(rows) == 6
    for setting, row in zip(study.settings, rows, strict=True):
        means = dict(re.findall(r'data-measure="(\w+)" data-mean="([^"]+)"', row))
        assert list(means) == list(MAIN)
        for name, mean in means.items():
            interval = Table.of(study, name).level(setting)
            assert interval
            assert float(mean) == interval.mean
        assert ("default</span>" in row) == (setting == {"lambda_coord": 5, "lambda_noobj": 0.5})
        assert ("best</span>" in row) == (setting == Selection(study).best)
    for name in MEASURES:  # all others unfold
        assert f'data-measure="{name}"' in part


def test_importance_is_drawn_in_shares(study: StudyResults, pages: dict[Language, str]) -> None:
    html = pages["en"]
    part = html[html.index("<h2>Which parameter matters</h2>") :]
    rows = re.findall(r'<tr data-bar="[^"]+">.*?</tr>', part[: part.index("</section>")], re.DOTALL)
    shares = [[float(v) for v in re.findall(r'data-value="([^"]+)"', row)] for row in rows]
    assert any(shares)
    for row in shares:
        assert row == [] or (len(row) == 2 and sum(row) == pytest.approx(1))


# ------------------------------------------------------------ languages


def test_each_language_is_spoken_throughout(pages: dict[Language, str]) -> None:
    assert '<html lang="zh-TW">' in pages["zh-TW"]
    chinese = text_of(pages["zh-TW"])
    assert not re.search(r"\{\w*\}", chinese + text_of(pages["en"]))
    words = set(re.findall(r"[a-zA-Z][a-z]{2,}", chinese))
    known = {"lambda", "coord", "noobj", "obj", "cls", "digits", "train", "val", "epoch", "size", "term"}
    assert words - known <= {"mAP", "TIDE", "YOLO", "VOC", "IoU", "fANOVA", "ANOVA", "COCO", "precision"}
    assert not re.search(r"[\u4e00-\u9fff]", text_of(pages["en"]))
    assert len(sections(pages["en"])) == len(sections(pages["zh-TW"])) == 8


def test_no_letter_is_missing_from_common_fonts(pages: dict[Language, str]) -> None:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    from yolosses.explain.style import text_font

    def letters(family: str) -> set[int]:
        return set(
            FT2Font(findfont(FontProperties(family=[family]), fallback_to_default=False)).get_charmap()
        )

    latin = letters("DejaVu Sans")
    assert set(map(ord, text_of(pages["en"]))) <= latin
    try:
        chinese = letters(text_font("zh-TW")[0])
    except ValueError as error:
        pytest.skip(str(error))
    assert set(map(ord, text_of(pages["zh-TW"]))) <= latin | chinese


# ------------------------------------------------------------ small, unfinished and sampled studies


def check(html: str) -> None:
    """What holds for any page."""
    assert "nan" not in re.sub(r' data-\w+="nan"', "", html).replace("importan", "")
    assert not re.search(r'(?: [xy]\d?| width| height| c[xy]| d| points)="[^"]*(?:nan|inf|None)', html)
    tags = " ".join(re.findall(r"<[^<>]+>", html))
    for address in re.findall(r'(?:src|href)="([^"]+)"', tags):
        assert address.startswith(("data:", "#")), address
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r"url\(#([\w-]+)\)", html):
        assert reference in ids
    assert "<script" not in html


def gaps(study: StudyResults) -> int:
    """Cells of the maps without a value."""
    by_ability, _ = maps(Selection(study), "en")
    assert by_ability
    return sum(
        cell is None for some in by_ability.values() for chart in some for cell in chart.cells.values()
    )


def test_the_whole_page_holds_together(study: StudyResults, pages: dict[Language, str]) -> None:
    for html in pages.values():
        check(html)
    assert study_page(study, language="en") == pages["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_run_has_finished(language: Language) -> None:
    waiting = replace(synthetic(lambdas=SMALL), results=(), states={"running": 2, "waiting": 16})
    html = study_page(waiting, language=language)
    check(html)
    said = text_of(html)
    assert catalogue(language).gettext("No run has finished yet.") in said
    assert sections(html) == [catalogue(language).gettext("All numbers")]
    if language == "en":
        assert "Trials: finished 0, running 2, waiting 16." in said


def test_one_setting() -> None:
    html = study_page(synthetic(lambdas={"lambda_coord": (5,)}), language="en")
    check(html)
    said = text_of(html)
    assert re.search(r"lambda_coord = 5: mAP50 [\d.]+ %", said)
    assert "There is nothing to compare yet." in said
    assert sections(html) == [
        "Findings", "What kind of errors", "Scores, and the course of training", "All numbers",
    ]  # fmt: skip


def test_one_parameter_has_no_maps_and_no_importance() -> None:
    html = study_page(synthetic(lambdas={"lambda_noobj": (0, 0.5, 2)}, seeds=2), language="en")
    check(html)
    assert {"Two parameters at once", "Which parameter matters"} & set(sections(html)) == set()
    assert "One parameter at a time" in sections(html)


def test_one_seed_has_no_intervals() -> None:
    html = study_page(synthetic(lambdas=SMALL, seeds=1), language="en")
    check(html)
    assert "±" not in text_of(html).replace("Mean ± half", "")
    assert "with one seed a difference cannot be told from chance" in text_of(html)
    assert "6 settings × 1 seed = 6 runs" in text_of(html)


def test_a_sampled_study_has_scattered_points_instead_of_maps() -> None:
    study = sampled()
    html = study_page(study, language="en")
    check(html)
    assert "Two parameters at once" not in sections(html)
    assert "24 values drawn from" in text_of(html)
    assert "Trials: finished 24, pruned 3, failed 1." in text_of(html)
    charts = effects(Selection(study), "en")
    drawn, dots = charts["lambda_coord"][0], charts["size_term"][0]
    assert isinstance(drawn, ScatterChart)
    assert isinstance(dots, LevelChart)
    assert (drawn.quantity.name, dots.quantity.name) == ("map50", "map50")
    assert list(drawn.points) == [(r.setting["lambda_coord"], r.measures["map50"]) for r in study.results]
    assert list(dots.intervals) == ["plain", "sqrt"]
    part = html[html.index("<h2>All numbers</h2>") :]
    means = [float(mean) for mean in re.findall(r'data-measure="map50" data-mean="([^"]+)"', part)][:24]
    assert means == sorted(means, reverse=True)


def test_three_parameters_are_mapped_by_the_two_that_matter() -> None:
    study = synthetic(
        lambdas={"size_term": ("sqrt", "plain"), "lambda_coord": (1, 25), "lambda_noobj": (0.05, 0.5)},
        seeds=2,
    )
    html = study_page(study, language="en")
    check(html)
    assert Selection(study).pair(("map50", "background_fp")) == ("lambda_coord", "lambda_noobj")
    assert "Each cell is the mean over size_term." in text_of(html)


def test_measures_that_are_not_defined_leave_gaps() -> None:
    study = synthetic(lambdas={"lambda_coord": (0, 5), "lambda_noobj": (0.1, 0.5)}, seeds=2)
    html = study_page(study, language="en")
    check(html)
    assert gaps(study)
    nothing = replace(
        study,
        results=tuple(
            replace(r, measures=dict.fromkeys(MEASURES), calibration={}, history={}) for r in study.results
        ),
    )
    html = study_page(nothing, language="en")
    check(html)
    assert "What kind of errors" not in sections(html)
    assert "Scores, and the course of training" not in sections(html)


def test_an_unfinished_grid_says_so() -> None:
    study = synthetic(lambdas=SMALL, seeds=2)
    half = replace(study, results=study.results[:7], states={"complete": 7, "running": 1, "waiting": 4})
    html = study_page(half, language="en")
    check(html)
    assert "4 of 6 combinations have results so far" in text_of(html)
    assert "4 settings, 7 runs of 2 epochs each" in text_of(html)
    assert gaps(half)


def test_names_from_outside_are_escaped() -> None:
    study = synthetic(lambdas={"a<b>&c": ('<img src="x">', "plain"), "lambda_noobj": (0.1, 0.5)}, seeds=2)
    study = replace(
        study, data='<script>alert("x")</script>', loss="v<1>", train_split="<i>", eval_split="&amp;"
    )
    for language in LANGUAGES:
        html = study_page(study, language=language)
        check(html)
        assert "<img" not in html
        assert "<i>" not in html
        assert "<b>&c" not in html
        said = text_of(html)
        assert '<script>alert("x")</script>' in said
        assert "a<b>&c" in said
        assert '<img src="x">' in said
        assert "&amp;" in said  # as it was written, not decoded


def test_settings_along_a_parameter_are_at_the_defaults_of_the_others() -> None:
    study = synthetic(lambdas={"lambda_coord": (1, 5, 25), "lambda_noobj": (0.1, 0.5)}, seeds=2)
    selection = Selection(study)
    along = selection.along("lambda_coord")
    assert list(along.settings.values()) == [{"lambda_noobj": 0.5, "lambda_coord": c} for c in (1, 5, 25)]
    assert (along.fixed, along.averaged) == ({"lambda_noobj": 0.5}, ())
    elsewhere = Selection(replace(study, defaults={"lambda_coord": 5.0, "lambda_noobj": 0.3}))
    along = elsewhere.along("lambda_coord")
    assert (along.fixed, along.averaged) == ({}, ("lambda_noobj",))
    assert list(along.settings.values()) == [{"lambda_coord": c} for c in (1, 5, 25)]
    assert list(Selection(study).picked("lambda_coord").settings) == [1, 5, 25]
    many = synthetic(lambdas={"lambda_coord": (1, 2, 5, 10, 25)}, seeds=1)
    assert list(Selection(many).picked("lambda_coord").settings) == [1, 5, 25]


# ------------------------------------------------------------ in a browser


@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed")
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this computer")
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_a_browser(pages: dict[Language, str], tmp_path: Path, language: Language) -> None:
    from playwright.sync_api import sync_playwright

    path = tmp_path / "study.html"
    path.write_text(pages[language], "utf-8")
    requests: list[str] = []
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1240, "height": 720})
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        seen = [
            page.locator(".verdict"),
            page.locator(".varied tr").last,
            page.locator(".found.first li").nth(2),
        ]
        boxes = [part.bounding_box() for part in seen]
        # Nothing that is drawn is cut off by its svg.
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.maps svg, .multiples svg, .plots svg')].flatMap(svg => {
              const frame = svg.getBoundingClientRect()
              return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect()
                return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2
                  || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
              }).map(text => svg.getAttribute('aria-label').slice(0, 40) + ': ' + text.textContent)
            })"""
        )
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size({"width": 400, "height": 800})
        narrow = page.evaluate("document.documentElement.scrollWidth")
        page.emulate_media(media="print")
        assert page.locator("nav.contents").is_hidden()
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert faults == []
    assert cut == []
    for box in boxes:
        assert box is not None
        assert box["y"] + box["height"] < 720
    assert (wide, narrow) == (1240, 400)
