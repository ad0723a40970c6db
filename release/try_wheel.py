"""What people install, in environments that hold nothing else: the wheel alone, then each extra alone.

    python release/try_wheel.py [--python PYTHON] [core | EXTRA ...]

``make dist`` writes the wheel.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib

from environments import ROOT, Environment, new_environment, only, requirement, try_the_example

SCENE = """
import torch, yolosses as yl
boxes, raw = torch.tensor([[60.0, 80.0, 200.0, 300.0]]), torch.rand(1, 7, 7, 12, requires_grad=True)
targets = yl.Targets.from_xyxy([boxes], [torch.tensor([1])], image_size=(448, 448))
"""
EXPLAIN = f"""{SCENE}
from yolosses.explain.pictures import explain_picture
explained = yl.explain(yl.YOLOv1Loss(num_classes=2), raw.detach(), targets)
explain_picture(explained, 0, None).savefig("picture.png")
"""
# The page, from a server that is ended again.
PLAY = """
import subprocess, sys, urllib.request
play = [sys.executable, "-m", "yolosses", "play", "--no-browser", "--port", "0"]
with subprocess.Popen(play, stdout=subprocess.PIPE, text=True) as server:
    try:
        address = server.stdout.readline().split()[-1].partition("#")[0]
        for name in "", "page.js", "data/manifest.json.bin":
            assert urllib.request.urlopen(address + name).read()
    finally:
        server.terminate()
"""
# What an extra promises, as Python that a person would write.
PROGRAMS = {
    "explain": EXPLAIN,
    "fast": f"{SCENE}yl.YOLOv1Loss(num_classes=2, impl='numba')(raw, targets).total.backward()",
    "train": "import faster_coco_eval, matplotlib, PIL, yaml, rich, typer",
    "demo": "import sklearn.datasets; sklearn.datasets.load_digits()",
    "study": "import optuna",
    "export": "import onnx, onnxruntime, onnxscript",
    "tensorboard": "from torch.utils.tensorboard import SummaryWriter",
    "lessons": "from yolosses import lessons as q; q.responsible",
    "docs": "import sphinx, furo, myst_nb, ipykernel",
    "play": PLAY,
    "dev": "import pytest, ruff, mypy",
}
# And as commands, run in the order that they stand here, in a folder that holds what PAINT writes.
TRAIN = "train shapes --epochs 1 --image-size 64 --out run"
COMMANDS = {
    "train": ["inspect shapes", TRAIN, "eval run", "predict run shapes/images/val", "explain run"],
    "demo": ["demo --help", "train digits --help"],
    "study": ["study shapes --vary lambda_coord=1,5 --seeds 1 --epochs-each 1 --image-size 64"],
    "export": [TRAIN, "export run", "export run --format torch"],
    "tensorboard": [f"{TRAIN} --tensorboard"],
    "lessons": ["lessons copied"],
}
# A data set in the layout of YOLO: one red box a picture.
PAINT = """
from pathlib import Path
from PIL import Image, ImageDraw
for split in "train", "val":
    for kind in "images", "labels":
        Path("shapes", kind, split).mkdir(parents=True)
    for left in range(16, 24):
        picture = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(picture).rectangle((left, 16, left + 24, 48), "red")
        picture.save(f"shapes/images/{split}/{left}.png")
        Path(f"shapes/labels/{split}/{left}.txt").write_text(f"0 {(left + 12) / 64} 0.5 0.375 0.5")
Path("shapes/data.yaml").write_text("train: images/train\\nval: images/val\\nnames: [red]")
"""
# Nothing of these comes with the losses alone.
OTHERS = [
    "matplotlib",
    "PIL",
    "numba",
    "yaml",
    "rich",
    "typer",
    "sklearn",
    "optuna",
    "onnx",
    "tensorboard",
    "jupytext",
]


def try_core(environment: Environment) -> None:
    found = f"from importlib.util import find_spec; print([name for name in {OTHERS} if find_spec(name)])"
    if (there := environment.run("-c", found).strip()) != "[]":
        sys.exit(f"the wheel alone brings {there}")
    environment.run(
        "-c", "from yolosses import *; import yolosses as yl; [getattr(yl, name) for name in yl.__all__]"
    )
    try_the_example(environment)


def try_extra(environment: Environment, extra: str) -> None:
    environment.run("-c", PROGRAMS[extra])
    commands = COMMANDS.get(extra, [])
    if any("shapes" in command for command in commands):
        environment.run("-c", PAINT)
    for command in commands:
        if not environment.command(*command.split()).strip():
            sys.exit(f"yolosses {command} printed nothing")


def main() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(PROGRAMS) == set(extras), "say in PROGRAMS what each extra promises"
    everything = ["core", *(name for name in PROGRAMS if name != "dev")]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="the interpreter")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(everything)}; all without a name"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - {*everything, "dev"}:
        parser.error(f"expected {', '.join(everything)}, got {', '.join(sorted(unknown))}")
    wheel = only("yolosses-*.whl", ROOT / "dist")
    for part in options.parts or everything:
        start = time.monotonic()
        with new_environment(options.python) as environment:
            environment.install(requirement(wheel, () if part == "core" else (part,)))
            if part == "core":
                try_core(environment)
            else:
                try_extra(environment, part)
        print(f"{part}: as promised, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
