"""`torchrun -m yolosses train`, as a person starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from tests.apps.cli.command import SECONDS, TERMINAL, succeed
from tests.training.data.layouts import THREE, write_voc

pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="this torch has no gloo")
SHORT = ("--image-size", "64", "--batch-size", "3", "--epochs", "4", "--learning-rate", "0.0001")


def torchrun(count: int, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    return subprocess.run(
        [*launcher, "-m", "yolosses", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **TERMINAL, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
    )


def totals(run: Path) -> list[float]:
    return [json.loads(line)["total"] for line in (run / "log.jsonl").read_text().splitlines()]


def test_two_processes_leave_the_run_of_one(tmp_path: Path) -> None:
    data = write_voc(tmp_path, {"train": THREE, "val": THREE[:1]})
    succeed("train", data, *SHORT, "--out", "one", cwd=tmp_path)
    result = torchrun(2, "train", data, *SHORT, "--out", "two", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("pictures to learn from") == 1
    one, two = tmp_path / "one", tmp_path / "two"
    assert {file.name for file in two.iterdir()} == {file.name for file in one.iterdir()}
    assert totals(two) == pytest.approx(totals(one), rel=1e-3)
    assert json.loads((two / "run.json").read_text()) == json.loads((one / "run.json").read_text())
    first, second = torch.load(one / "model.pt"), torch.load(two / "model.pt")
    assert list(first) == list(second)

    longer = torchrun(2, "train", data, "--out", "two", "--resume", "--epochs", "6", cwd=tmp_path)
    assert longer.returncode == 0, longer.stderr
    assert len(totals(two)) == 6


def test_too_few_pictures_for_all_parts_are_refused_once(tmp_path: Path) -> None:
    data = write_voc(tmp_path, {"train": THREE, "val": THREE[:1]})
    result = torchrun(2, "train", data, *SHORT, "--accumulate", "2", "--out", "run", cwd=tmp_path)
    assert result.returncode != 0
    assert result.stderr.count("yolosses: --batch-size: expected at least 4, one picture for each part") == 1
    assert (
        "Traceback"
        not in result.stderr.partition("torch/distributed/run.py")[0].partition("torch/distributed/elastic")[
            0
        ]
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains(precision: str, tmp_path: Path) -> None:
    data = write_voc(tmp_path, {"train": THREE, "val": THREE[:1]})
    plain, mixed = ("--out", "plain"), ("--precision", precision, "--workers", "1", "--out", "mixed")
    for options in (plain, mixed):
        succeed("train", data, *SHORT, *options, cwd=tmp_path)
    assert totals(tmp_path / "mixed") == pytest.approx(totals(tmp_path / "plain"), rel=0.1)
    assert json.loads((tmp_path / "mixed/run.json").read_text())["precision"] == precision
