"""Every page in a browser, judged by axe-core: both languages, on a light desktop and on a dark phone."""

import importlib.util
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.apps.pages.shapes_report import DATASET, report_of_shapes, study_of_shapes
from tests.studies.ablation.synthetic import synthetic
from tests.studies.doctor import faults
from tests.studies.doctor.faults import SHAPES, scenes, write_yolo

from yolosses.apps.pages.inspection import inspection_page
from yolosses.apps.pages.replay import Replay, replay_report
from yolosses.apps.pages.report import picture_report
from yolosses.apps.pages.study import study_page
from yolosses.explain.nonfinite import NonFinite
from yolosses.language import LANGUAGES, Language
from yolosses.structures import Targets
from yolosses.studies.doctor import examine
from yolosses.training.data import open_whole

CHROMIUM = shutil.which("chromium")
TERMS = ("xy", "wh", "obj", "noobj", "cls")

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("playwright", "axe_playwright_python")),
        reason="playwright or axe-core is not installed",
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this computer"),
]


def inspection(folder: Path) -> Callable[[Language], str]:
    dataset = open_whole(
        write_yolo(folder / "wrong", scenes(folder / "painted", 24), SHAPES, faults.swapped_xy, 0.25)
    ).dataset
    found = examine(dataset, grids=[4, 7], boxes_per_cell=2)
    return lambda language: inspection_page(found, dataset, language=language)


def reports() -> tuple[Callable[[Language], str], Callable[[Language], str]]:
    """Of a data set, and of its worst picture."""
    study, link = study_of_shapes(), "http://127.0.0.1:8000/#scene"
    worst = study.worst_pictures(1)[0].picture
    return (
        lambda language: report_of_shapes(study, playground={worst: link}, language=language),
        lambda language: picture_report(study.explained[worst], DATASET, playground=link, language=language),
    )


def replay(language: Language) -> str:
    losses = np.ones((2, len(TERMS)))
    losses[0, 1] = math.nan
    box, label = torch.tensor([[0.4, 0.5, 0.3, 0.4]]), torch.tensor([1])
    batch = Replay(
        images=torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)),
        targets=Targets.from_cxcywh([box, box], [label, label]),
        names=("a.png", "b.png"),
        class_names=("red", "blue"),
        step=1234,
        terms=TERMS,
        losses=losses,
        culprit=NonFinite(
            operand="raw", index=(0, 3, 3, 2), value=math.nan, term="wh", element="sqrt w", image=0,
            image_name="a.png", place="cell (3, 3), box 1", object=0, class_name="blue", others=2,
        ),
    )  # fmt: skip
    return replay_report(batch, language=language)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[[Language], str]]:
    study = synthetic(lambdas={"lambda_coord": (1, 5), "lambda_noobj": (0.1, 0.5)}, seeds=2)
    of_data, of_picture = reports()
    return {
        "inspect": inspection(tmp_path_factory.mktemp("data")),
        "explain": of_data,
        "explain --image": of_picture,
        "explain --replay": replay,
        "study": lambda language: study_page(study, language=language),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["inspect", "explain", "explain --image", "explain --replay", "study"])
def test_axe_finds_nothing(
    pages: dict[str, Callable[[Language], str]], browser: Any, tmp_path: Path, kind: str, language: Language
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "page.html"
    path.write_text(pages[kind](language), "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = []
    for scheme, width in (("light", 1240), ("dark", 400)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found += [
            f"{scheme}: {rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in Axe().run(page).response["violations"]
            for node in rule["nodes"][:5]
        ]
    page.close()
    assert found == []
