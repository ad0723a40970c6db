"""Run the four programs of ``examples/`` and keep what they print: ``benchmarks/results/examples.json``.

.venv/bin/python benchmarks/record_examples.py --python lightning_module=.venv-lightning/bin/python \
    --python accelerate_loop=.venv-accelerate/bin/python --python ultralytics_trainer=.venv-ultralytics/bin/python

Each runs with the Python given for it, else with this one, and imports yolosses from this checkout.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
VERSIONS = """
import importlib.metadata, json, platform, sys
print(json.dumps({"python": platform.python_version()} | {n: importlib.metadata.version(n) for n in sys.argv[1:]}))
"""


@dataclass(frozen=True)
class Example:
    """How a program is run: the arguments of Python before and after the file, and as people write it."""

    shown: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    package: str | None = None


EXAMPLES = {
    "plain_ddp": Example(
        "torchrun --standalone --nproc-per-node 2 examples/plain_ddp.py",
        before=("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
    ),
    "lightning_module": Example(
        "python examples/lightning_module.py --devices 2", after=("--devices", "2"), package="lightning"
    ),
    "accelerate_loop": Example("python examples/accelerate_loop.py", package="accelerate"),
    "ultralytics_trainer": Example("python examples/ultralytics_trainer.py", package="ultralytics"),
}


def recorded(name: str, python: str) -> dict[str, Any]:
    """One program: its command, versions, printed lines and seconds."""
    example = EXAMPLES[name]
    packages = ("torch", example.package) if example.package else ("torch",)
    versions = json.loads(output_of([python, "-c", VERSIONS, *packages], dict(os.environ)))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "YOLO_CONFIG_DIR": folder,
            "YOLO_VERBOSE": "false",  # else its first run prints where it keeps its settings
        }  # fmt: skip
        start = time.perf_counter()
        printed = output_of([python, *example.before, f"examples/{name}.py", *example.after], environment)
        seconds = time.perf_counter() - start
    for place in (str(ROOT), str(Path.home()), tempfile.gettempdir()):
        if f"{place}/" in printed:
            raise SystemExit(f"{name}: expected no path of this machine in what it prints; got {place}")
    return {
        "command": example.shown, "versions": versions, "seconds": round(seconds, 1),
        "printed": [line.rstrip() for line in printed.splitlines()],
    }  # fmt: skip


def output_of(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: expected exit status 0; got {done.returncode}\n{done.stderr}")
    return done.stdout


def pythons(given: list[str]) -> dict[str, str]:
    """NAME=PATH for each; the path is kept as it is, because the link in a venv is what makes it one."""
    chosen = dict.fromkeys(EXAMPLES, sys.executable)
    for text in given:
        name, _, path = text.partition("=")
        if name not in EXAMPLES or not Path(path).is_file():
            raise SystemExit(f"--python: expected NAME=PATH with NAME of {', '.join(EXAMPLES)}; got {text}")
        chosen[name] = str(Path(path).absolute())
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    results = {name: recorded(name, python) for name, python in pythons(parser.parse_args().python).items()}
    (RESULTS / "examples.json").write_text(json.dumps(results, indent=1) + "\n")
    for name, result in results.items():
        print(f"{name}, {result['seconds']} s", *result["printed"], sep="\n")


if __name__ == "__main__":
    main()
