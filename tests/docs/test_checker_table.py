"""What the teachers' pages say of the checker is what was measured."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULT = json.loads((ROOT / "benchmarks/results/checker.json").read_text("utf-8"))


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_table_is_that_of_the_committed_result(language):
    page = (ROOT / "docs" / language / "teaching" / "index.md").read_text("utf-8")
    table = page.partition("<!-- checker.json -->")[2].partition("<!-- end -->")[0]
    wrong, right, varied = RESULT["wrong"], RESULT["right"], RESULT["variations"]
    values = [
        f"{wrong['named']} / {wrong['planted']}",
        f"{right['planted'] - len(right['refused'])} / {right['planted']}",
        f"{len(varied['refused'])} / {varied['drawn']}",
        str(RESULT["misunderstandings"]),
        *(str(count) for count in wrong["by lesson"].values()),
    ]
    shown = [line.rsplit("|", 2)[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert [cell for cell in shown if cell and cell[0].isdigit()] == values


def test_the_checker_names_what_it_should():
    assert len(RESULT["wrong"]["by lesson"]) == 11
    assert RESULT["wrong"]["named"] == RESULT["wrong"]["planted"] >= 40
    assert RESULT["right"]["planted"] >= 20
    assert RESULT["right"]["refused"] == RESULT["variations"]["refused"] == []
