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

# What an extra promises, as Python code that a person would write.
IMPORTS = {
    "explain": "import matplotlib, PIL",
    "fast": "import yolosses as yl; yl.YOLOv1Loss(impl='numba')",
    "train": "import faster_coco_eval, matplotlib, PIL, yaml, rich, typer",
    "demo": "import sklearn.datasets; sklearn.datasets.load_digits()",
    "study": "import optuna",
    "export": "import onnx, onnxruntime, onnxscript",
    "tensorboard": "from torch.utils.tensorboard import SummaryWriter",
    "lessons": "from yolosses import lessons as q; q.responsible",
    "docs": "import sphinx, furo, myst_nb, ipykernel",
    "play": "import starlette, uvicorn, websockets",
    "dev": "import pytest, ruff, mypy",
}
COMMANDS = {
    "train": [["--help"], ["train", "--help"], ["inspect", "--help"]],
    "demo": [["demo", "--help"]],
    "study": [["study", "--help"]],
    "export": [],
    "lessons": [["lessons", "copied"]],
    "play": [["play", "--help"]],
}
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
    environment.run("-c", IMPORTS[extra])
    for arguments in COMMANDS.get(extra, []):
        if not environment.command(*arguments).strip():
            sys.exit(f"yolosses {' '.join(arguments)} printed nothing")
    if extra == "explain":
        environment.run("-c", EXPLAIN)


EXPLAIN = """
import torch, yolosses as yl
loss = yl.YOLOv1Loss(num_classes=2)
targets = yl.Targets.from_xyxy([torch.tensor([[60.0, 80.0, 200.0, 300.0]])], [torch.tensor([1])], image_size=(448, 448))
from yolosses.explain.pictures import explain_picture
explain_picture(yl.explain(loss, torch.rand(1, 7, 7, 12), targets), 0, None).savefig("picture.png")
"""


def main() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(IMPORTS) == set(extras), "say in IMPORTS what each extra promises"
    everything = ["core", *(name for name in IMPORTS if name != "dev")]
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
