"""The programs of ``examples/`` train, and several processes or parts take the steps of one."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch.distributed as dist

EXAMPLES = Path(__file__).parents[2] / "examples"
VALUE = re.compile(r"([a-z]\w*) +(\d+\.\d+)")
IN_ONE_ORDER = """
import sys
import lightning_module as example
from torch.utils.data import DataLoader, DistributedSampler

def one_process(data, size, *, shuffle, collate_fn):
    return DataLoader(data, size, sampler=DistributedSampler(data, 1, 0, shuffle=shuffle), collate_fn=collate_fn)

example.DataLoader = one_process
example.main()
"""

needs_gloo = pytest.mark.skipif(not dist.is_gloo_available(), reason="this torch has no gloo")


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed")


def printed(folder: Path, *arguments: object) -> list[str]:
    """What Python prints with these arguments, run in ``folder``."""
    sources = [str(EXAMPLES.parent / "src"), str(EXAMPLES)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sources), "OMP_NUM_THREADS": "1", "YOLO_CONFIG_DIR": str(folder),
        "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def curve_of(lines: list[str]) -> list[dict[str, float]]:
    """The loss and its terms, epoch by epoch."""
    epochs = [
        {name: float(value) for name, value in VALUE.findall(line)} for line in lines if "epoch" in line
    ]
    for number, values in enumerate(epochs, 1):
        assert lines[number - 1].startswith(f"epoch {number:2} ")
        assert list(values) == ["loss", "box", "cls", "dfl"]
        assert values["loss"] == pytest.approx(sum(list(values.values())[1:]), abs=3e-4)
    return epochs


def assert_learned(curve: list[dict[str, float]]) -> None:
    assert len(curve) == 10
    for name in curve[0]:
        assert curve[-1][name] < 0.6 * curve[0][name], name


def assert_the_same(curve: list[dict[str, float]], other: list[dict[str, float]], rel: float) -> None:
    assert len(curve) == len(other)
    for one, two in zip(curve, other, strict=True):
        assert one == pytest.approx(two, rel=rel)


@needs_gloo
def test_two_processes_of_plain_ddp_take_the_steps_of_one(tmp_path: Path) -> None:
    run = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
    one, two = (curve_of(printed(tmp_path, *run, count, EXAMPLES / "plain_ddp.py")) for count in (1, 2))
    assert_learned(two)
    assert_the_same(one, two, rel=2e-3)


@needs("lightning")
@needs_gloo
def test_two_devices_of_lightning_take_the_steps_of_one(tmp_path: Path) -> None:
    """Of one that takes the pictures in the order of Lightning's sampler for several."""
    program = tmp_path / "in_one_order.py"
    program.write_text(IN_ONE_ORDER)
    one = curve_of(printed(tmp_path, program))
    two = curve_of(printed(tmp_path, EXAMPLES / "lightning_module.py", "--devices", 2))
    assert_learned(two)
    assert_the_same(one, two, rel=2e-3)


@needs("accelerate")
def test_parts_of_accelerate_take_the_steps_of_the_whole(tmp_path: Path) -> None:
    program = EXAMPLES / "accelerate_loop.py"
    whole, parts = (
        curve_of(printed(tmp_path, program, "--parts", count, "--precision", "no")) for count in (1, 4)
    )
    half_precision = curve_of(printed(tmp_path, program))
    assert_learned(half_precision)
    assert_the_same(whole, parts, rel=2e-3)
    assert_the_same(half_precision[:3], whole[:3], rel=2e-2)


@needs("accelerate")
@needs_gloo
def test_two_processes_of_accelerate_take_the_steps_of_one(tmp_path: Path) -> None:
    program, exact = EXAMPLES / "accelerate_loop.py", ("--precision", "no", "--parts")
    launch = ("-m", "accelerate.commands.launch", "--cpu", "--num_processes", 2, "--num_machines", 1)
    one = curve_of(printed(tmp_path, program, *exact, 4))
    assert_the_same(one, curve_of(printed(tmp_path, *launch, program, *exact, 2)), rel=2e-3)


@needs("ultralytics")
def test_ultralytics_trains_alike_with_both_losses(tmp_path: Path) -> None:
    lines = printed(tmp_path, EXAMPLES / "ultralytics_trainer.py")
    rows = {
        line[:8].strip(): [float(value) for value in line[8:].split()]
        for line in lines
        if re.match(r"(step|epoch) \d", line)
    }
    assert list(rows) == [f"step {n}" for n in range(1, 6)] + [f"epoch {n}" for n in range(1, 11)]
    for when, values in rows.items():
        original, ours = values[::2], values[1::2]
        assert ours == pytest.approx(original, rel=2e-2 if when.startswith("epoch") else 5e-5), when
        assert ours[0] == pytest.approx(sum(ours[1:]), abs=3e-4)
    assert rows["epoch 10"][1] < 0.9 * rows["epoch 1"][1]
    assert float(re.findall(r"[\d.e-]+(?= of the value)", lines[-1])[0]) < 1e-5
