"""What the README prints is what its code prints, and what it links to is there."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from yolosses.apps.runs.choices import LOSSES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LANGUAGES = ("en", "zh-TW")


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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "results", sorted(ROOT.glob("benchmarks/results/bccd-*.json")), ids=lambda path: path.name
)
def test_measured_numbers_are_those_of_the_committed_results(results: Path, language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/train-a-detector.md").read_text("utf-8")
    result = json.loads(results.read_text())
    for run in [*result["runs"], result["mean"]]:
        assert f"| {run['map50']:.3f} | {run['map50_95']:.3f} | {run['voc07_map']:.3f} |" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_compared_losses_are_those_of_the_committed_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/train-a-detector.md").read_text("utf-8")
    result = json.loads((ROOT / "benchmarks/results/compare-bccd.json").read_text())
    assert {run["loss"] for run in result["runs"]} == set(LOSSES)
    for row in result["summary"]:
        assert re.search(
            rf"^\| {row['loss']} \| [\d.]+ M \| {row['images_per_second']:.1f} \| "
            rf"{row['map50']:.3f} \| {row['map50_95']:.3f} \|",
            page,
            re.MULTILINE,
        )
    of = {row["loss"]: row for row in result["summary"]}
    assert re.search(rf"{of['v1']['map50_95']:.3f} \w+ {of['v8']['map50_95']:.3f}", page)


@pytest.mark.parametrize("name", ["step-time", "step-time-large-pages"])
def test_times_are_those_of_the_committed_results(name: str) -> None:
    page = (ROOT / "docs/reference/performance.md").read_text("utf-8")
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
    page, results = (ROOT / "docs/reference/performance.md").read_text("utf-8"), ROOT / "benchmarks/results"
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


WORDS = {
    "en": {"along": "{0}, along {1}", "x": "x", "x and y": "x and y"},
    "zh-TW": {"along": "{0}，沿 {1}", "x": "x", "x and y": "x 與 y"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_ranks_of_moved_labels_are_those_of_the_committed_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/explain-a-value.md").read_text("utf-8")
    results, words = ROOT / "benchmarks/results", WORDS[language]
    rows = json.loads((results / "moved-labels-bccd.json").read_text())["summary"]
    for row in rows:
        name = words["along"].format(row["class"], words[row["moved_along"]])
        assert f"| {name} | {row['labels']} | {row['in_top_3']} | {row['in_top_3_among_new']} |" in page
    rows = json.loads((results / "moved-labels-digits.json").read_text())["summary"]
    for along in ("x", "x and y"):
        same = [row for row in rows if row["moved_along"] == along]
        counts = [sum(row[key] for row in same) for key in ("labels", "in_top_3", "in_top_3_among_new")]
        name = words["along"].format("digits", words[along])
        assert f"| {name} | " + " | ".join(map(str, counts)) + " |" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_ranks_beside_objectlab_are_those_of_the_committed_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/explain-a-value.md").read_text("utf-8")
    table = page.partition("<!-- label-errors.json -->")[2].partition("<!-- end -->")[0]
    lines = table.strip().splitlines()[2:]
    results = [
        json.loads(path.read_text()) for path in sorted(ROOT.glob("benchmarks/results/label-errors-*.json"))
    ]
    rows = [(result, row) for result in results for row in result["precision"]]
    assert len(lines) == len(rows)
    for line, (result, row) in zip(lines, rows, strict=True):
        ours, theirs = (
            " / ".join(f"{row[whose][count]:.2f}" for count in ("10", "20", "50"))
            for whose in ("ours", "objectlab")
        )
        assert line.startswith(f"| {result['data']} | ")
        distinct = f"{row['distinct_scores']['objectlab']} / {result['pictures']}"
        assert line.endswith(f" | {row['share_of_pictures']:.2f} | {ours} | {theirs} | {distinct} |")


SUSPICIONS = {
    "en": (
        "{found} of {planted} are found",
        "Of {right} sets that are right",
        "{wrong} are suspected; before this page {before} were, and {found_before} of the planted faults were found",
        "Of {painted} painted sets",
        "before a fixed camera, {painted_suspected} are suspected",
        "in {same} of {kills} kills",
    ),
    "zh-TW": (
        "{planted} 個裡找到 {found} 個",
        "另外有 {right} 個正確的資料集",
        "誤報 {wrong} 個；這一頁之前的版本誤報 {before} 個，植入的錯誤找到 {found_before} 個",
        "還有 {painted} 個畫出來的資料集",
        "固定鏡頭前的車流，誤報 {painted_suspected} 個",
        "強制中斷 {kills} 次，{same} 次都",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_suspicions_are_those_of_the_committed_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/your-data.md").read_text("utf-8")
    page = (" " if language == "en" else "").join(line.strip() for line in page.splitlines())
    found, wrong = {}, {}
    for name in ("planted-faults", "planted-faults-before"):
        cases = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["cases"]
        planted, right = ([case for case in cases if kind in case] for kind in ("planted", "right"))
        found[name] = sum(case["found"] for case in planted)
        wrong[name] = sum(bool(case["suspected"]) for case in right)
    kills = json.loads((ROOT / "benchmarks/results/kill.json").read_text())
    summary = json.loads((ROOT / "benchmarks/results/planted-faults.json").read_text())["summary"]
    numbers = {
        "found": found["planted-faults"],
        "planted": len(planted),
        "right": len(right),
        "wrong": wrong["planted-faults"],
        "before": wrong["planted-faults-before"],
        "found_before": found["planted-faults-before"],
        "painted": summary["painted_sets"],
        "painted_suspected": summary["painted_sets_suspected"],
        "same": kills["kills_of_runs_that_end_as_the_one_never_killed"],
        "kills": kills["kills"],
    }
    for sentence in SUSPICIONS[language]:
        assert sentence.format(**numbers) in page


PROCESSOR = {"en": "{0:.0f} s of processor, {1:,} MiB", "zh-TW": "處理器 {0:.0f} 秒，{1:,} MiB"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["fuzz", "data-scale"])
def test_tables_of_data_are_those_of_the_committed_results(name: str, language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/your-data.md").read_text("utf-8")
    table = page.partition(f"<!-- {name}.json -->")[2].partition("<!-- end -->")[0]
    lines = table.strip().splitlines()[2:]
    result = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())
    if name == "fuzz":
        counts = [*result["layouts"].items(), ("in all", result["in_all"])]
        for line, (layout, count) in zip(lines, counts, strict=True):
            assert language != "en" or line.startswith(f"| {layout} |")
            assert f"| {count['inputs']:,} | {count['opened']:,} | {count['refused']:,} |" in line
    else:
        for line, (case, versions) in zip(lines, result["cases"].items(), strict=True):
            now = versions["now"]
            assert language != "en" or line.startswith(f"| {case} |")
            said = PROCESSOR[language].format(now["cpu_seconds"], now["peak_mib"])
            assert line.split(" | ")[2].removesuffix(" |").startswith(said)


SPEED = {
    "YOLOv1": ("v1", "plain dense"),
    "YOLOv8": ("v8", "ultralytics"),
    "YOLOv10": ("v10", "ultralytics"),
    "YOLO26": ("YOLO26", "ultralytics"),
    "YOLOX": ("YOLOX", "yolox"),
    "YOLOv5": ("v5", "yolov5"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("step-time", ("yolosses", "compiled", "loops")),
        ("gpu-step-time", ("eager", "compiled", "triton", "triton, graph")),
    ],
)
def test_the_short_table_of_times_is_of_the_committed_results(
    name: str, columns: tuple[str, ...], language: str
) -> None:
    page = (ROOT / f"docs/{language}/how-to/speed.md").read_text("utf-8")
    heads = {3: "Numba", 4: "CUDA graph"}[len(columns)]
    start = re.search(rf"^\|.*{heads}.*\n\|[-:|]+\n", page, re.MULTILINE)
    assert start is not None
    lines = page[start.end() :].partition("\n\n")[0].splitlines()
    assert len(lines) >= 4
    cases = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["cases"]
    digits = 1 if name == "step-time" else 2
    for line in lines:
        loss, *shown = (cell.strip() for cell in line.strip("|").split("|"))
        key, peer = SPEED[loss]
        case = next(
            case
            for case in cases
            if case["loss"] == key
            and (case.get("objects") == 50 or (case.get("grid") == 7 and case["images"] == 64))
        )
        times = {who: f"{row['median_ms']:.{digits}f} ms" for who, row in case["contestants"].items()}
        assert shown == [*(times.get(column, "") for column in columns), f"{times[peer]} ({peer})"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_share_of_a_step_is_that_of_the_committed_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/speed.md").read_text("utf-8")
    cases = json.loads((ROOT / "benchmarks/results/step-share.json").read_text())["cases"]
    shares = [f"{row['percent']:.1f} %" for row in cases if row["case"].startswith("of YOLOv8n's size")]
    assert len(shares) == 2
    assert re.search(rf"{shares[0]}.*{shares[1]}", page)
