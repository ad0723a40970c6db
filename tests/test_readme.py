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


@pytest.mark.parametrize("name", ["step-time", "step-time-large-pages"])
def test_times_are_those_of_the_committed_results(name: str) -> None:
    page = (ROOT / "docs/performance.md").read_text("utf-8")
    table = page.partition(f"<!-- {name}.json -->")[2].partition("<!-- end -->")[0]
    cases = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["cases"]
    losses = {"v1", "v8", "v10", "YOLO26"} | ({"YOLOX", "v5"} if name == "step-time" else set())
    assert {row["loss"] for row in cases} == losses
    for row in cases:
        case = f"{row['images']} images, S={row['grid']}" if "grid" in row else f"{row['objects']} objects"
        line, ratios = [line for line in table.splitlines() if line.startswith(f"| {row['loss']} | {case} |")]
        of = dict(row["contestants"])
        eager, ours = (
            of["yolosses"]["median_ms"],
            ("floor", "yolosses", "compiled", "loops", "loops, compiled"),
        )
        for who, times in of.items():
            said = f" {times['median_ms']:.1f} ms |"
            assert (f"|{said}" if who in ours else f"| {who}{said}") in line
            if who not in ours:
                assert f"| {times['median_ms'] / eager:.1f} |" in ratios


def test_growth_and_shares_are_those_of_the_committed_results() -> None:
    page, results = (ROOT / "docs/performance.md").read_text("utf-8"), ROOT / "benchmarks/results"
    for sweep, case in json.loads((results / "scaling.json").read_text())["cases"].items():
        for name, slope in case["slope"].items():
            times = case["median_ms"][name]
            assert f"| {name} | {sweep} | {times[0]:.1f} ms | {times[-1]:.1f} ms | {slope:.2f} |" in page
    for row in json.loads((results / "step-share.json").read_text())["cases"]:
        assert f"| {row['case']}, {row['images']} x {row['pixels']} px |" in page
        assert f"| {row['loss']['median_ms']:.1f} ms | {row['percent']:.1f} % |" in page
    for row in json.loads((results / "images-per-second.json").read_text())["cases"]:
        assert f"| {row['data']} | {row['loading']:.0f} | {row['learning']:.0f} | {row['both']:.0f} |" in page
    for who, row in json.loads((results / "import-time.json").read_text())["programs"].items():
        assert f"| {who} | {row['median_ms']:.0f} ms |" in page


def test_ranks_of_moved_labels_are_those_of_the_committed_results() -> None:
    page = (ROOT / "docs/explain.md").read_text("utf-8")
    results = ROOT / "benchmarks/results"
    for row in json.loads((results / "moved-labels-bccd.json").read_text())["summary"]:
        name = f"{row['class']}, along {row['moved_along']}"
        assert f"| {name} | {row['labels']} | {row['in_top_3']} | {row['in_top_3_among_new']} |" in page
    rows = json.loads((results / "moved-labels-digits.json").read_text())["summary"]
    for along in ("x", "x and y"):
        same = [row for row in rows if row["moved_along"] == along]
        counts = [sum(row[key] for row in same) for key in ("labels", "in_top_3", "in_top_3_among_new")]
        assert f"| digits, along {along} | " + " | ".join(map(str, counts)) + " |" in page


def test_suspicions_are_those_of_the_committed_results() -> None:
    page = " ".join((ROOT / "docs/data.md").read_text("utf-8").split())
    found, wrong = {}, {}
    for name in ("planted-faults", "planted-faults-before"):
        cases = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["cases"]
        planted, right = ([case for case in cases if kind in case] for kind in ("planted", "right"))
        found[name] = f"{sum(case['found'] for case in planted)} of {len(planted)}"
        wrong[name] = sum(bool(case["suspected"]) for case in right)
        assert f"Of {len(right)} sets that are right" in page
    assert f"{found['planted-faults']} are found" in page
    assert f"and {found['planted-faults-before'].split()[0]} of the planted faults were found" in page
    assert (
        f"{wrong['planted-faults']} are suspected; before this page {wrong['planted-faults-before']} were"
        in page
    )
    summary = json.loads((ROOT / "benchmarks/results/planted-faults.json").read_text())["summary"]
    assert f"Of {summary['painted_sets']} painted sets" in page
    assert f"before a fixed camera, {summary['painted_sets_suspected']} are suspected" in page
    kills = json.loads((ROOT / "benchmarks/results/kill.json").read_text())
    same = kills["kills_of_runs_that_end_as_the_one_never_killed"]
    assert f"in {same} of {kills['kills']} kills" in page


@pytest.mark.parametrize("name", ["fuzz", "data-scale"])
def test_tables_of_data_are_those_of_the_committed_results(name: str) -> None:
    page = (ROOT / "docs/data.md").read_text("utf-8")
    table = page.partition(f"<!-- {name}.json -->")[2].partition("<!-- end -->")[0]
    result = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())
    if name == "fuzz":
        for layout, count in [*result["layouts"].items(), ("in all", result["in_all"])]:
            assert f"| {layout} | {count['inputs']:,} | {count['opened']:,} | {count['refused']:,} |" in table
    else:
        for case, versions in result["cases"].items():
            now = versions["now"]
            assert f"| {case} |" in table
            assert f"{now['cpu_seconds']:.0f} s of processor, {now['peak_mib']:,} MiB" in table
