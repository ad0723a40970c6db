"""A few hundred broken data sets, as `benchmarks/fuzz_readers.py` makes them by the thousand."""

import importlib.util
from pathlib import Path

import pytest
from tests.training.data.layouts import THREE, write_yolo

from yolosses.training.data import open_dataset

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "fuzz_readers.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason=f"there is no {SCRIPT}")
def test_broken_data_sets_are_read_or_refused_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("fuzz_readers", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = open_dataset(write_yolo(tmp_path, {"train": THREE}), whole=True)
    counts, findings = module.fuzz({"three": module.layouts(data)}, 350, seed=1)
    assert findings == []
    assert len(counts) == 7
    # If nothing were opened or nothing refused, nothing would have been tried.
    for layout, count in counts.items():
        assert count["opened"] >= 5, layout
    assert sum(count["refused"] for count in counts.values()) >= 20
