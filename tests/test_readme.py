"""What the README prints is what its code prints, and what it links to is there."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from yolosses.apps.cli.choices import LossName

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


EXAMPLE = re.compile(r"```python\n(.*?)```(?:\s+```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=lambda page: page.name
)
def test_the_examples_of_a_page_print_what_it_shows(page: Path) -> None:
    names: dict[str, object] = {}
    for code, shown in EXAMPLE.findall(page.read_text("utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize(
    "results", sorted(ROOT.glob("benchmarks/results/bccd-*.json")), ids=lambda path: path.name
)
def test_measured_numbers_are_those_of_the_committed_results(results: Path) -> None:
    page = (ROOT / "docs/training.md").read_text("utf-8")
    result = json.loads(results.read_text())
    for run in [*result["runs"], result["mean"]]:
        assert f"| {run['map50']:.3f} | {run['map50_95']:.3f} | {run['voc07_map']:.3f} |" in page


def test_compared_losses_are_those_of_the_committed_results() -> None:
    page = (ROOT / "docs/training.md").read_text("utf-8")
    result = json.loads((ROOT / "benchmarks/results/compare-bccd.json").read_text())
    assert {run["loss"] for run in result["runs"]} == {str(loss) for loss in LossName}
    for row in result["summary"]:
        assert re.search(
            rf"^\| {row['loss']} \| [\d.]+ M \| {row['images_per_second']:.1f} \| "
            rf"{row['map50']:.3f} \| {row['map50_95']:.3f} \|",
            page,
            re.MULTILINE,
        )


def test_ranks_of_moved_labels_are_those_of_the_committed_results() -> None:
    page = (ROOT / "docs/explain.md").read_text("utf-8")
    for row in json.loads((ROOT / "benchmarks/results/moved-labels.json").read_text())["summary"]:
        name = f"{row['class']}, along {row['moved_along']}"
        assert f"| {name} | {row['labels']} | {row['in_top_3']} | {row['in_top_3_among_new']} |" in page
