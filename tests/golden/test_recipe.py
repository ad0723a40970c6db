"""The table in README.md, by which the vectors can be recorded again, says what the files say."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent
ROWS = re.findall(
    r"^\| `(\S+)` \| [^|]+ \| (?:commit )?([^|]+) \| (\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.M
)


def files_of(name: str) -> list[Path]:
    folder, family = name.split("/")
    return sorted((ROOT / folder).glob(f"{'index_' if folder == 'pytorch' else ''}{family}.json"))


def test_every_file_is_in_the_table_once() -> None:
    told = [file for name, _, _ in ROWS for file in files_of(name)]
    assert sorted(told) == sorted(ROOT.glob("*/*.json"))


def test_versions_and_numbers_of_cases_are_those_of_the_files() -> None:
    for name, version, count in ROWS:
        records = [json.loads(file.read_text("utf-8")) for file in files_of(name)]
        assert sum(len(record["cases"]) for record in records) == int(count), name
        for record in records:
            said = record.get("source") or record.get("program") or record["oracle"]
            assert version in said or "versions" in record, name
