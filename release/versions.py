"""Which versions of Python and torch the library was tried with: writes benchmarks/results/versions.json.

    python release/versions.py PYTHON:TORCH ...      such as python3.13:2.14.1

For each pair a new environment: the wheel, the README's example, the extra `train`, and the tests of the losses.
``make dist`` writes the wheel. Pairs that were recorded before stay, unless they are tried again.
"""

from __future__ import annotations

import argparse
import json
import platform
import tarfile
import time
from pathlib import Path
from typing import Any

from environments import ROOT, new_environment, only, requirement, run_tests_of_losses, try_the_example

RESULTS = ROOT / "benchmarks" / "results" / "versions.json"


def try_pair(python: str, torch: str) -> dict[str, Any]:
    start = time.monotonic()
    wheel, sdist = only("yolosses-*.whl", ROOT / "dist"), only("yolosses-*.tar.gz", ROOT / "dist")
    with new_environment(python, torch) as environment:
        environment.install(requirement(wheel))
        try_the_example(environment)
        environment.install(requirement(wheel, ["train"]))
        environment.command("train", "--help")
        with tarfile.open(sdist) as archive:
            archive.extractall(environment.folder, filter="data")
        passed = run_tests_of_losses(environment, environment.folder / sdist.name.removesuffix(".tar.gz"))
        return {
            "python": environment.run("-c", "import platform; print(platform.python_version())").strip(),
            "torch": environment.version("torch").partition("+")[0],  # "+cpu" names a build
            "numpy": environment.version("numpy"),
            "tests_passed": passed,
            "seconds": round(time.monotonic() - start),
        }


def write(pair: dict[str, Any], results: Path = RESULTS) -> None:
    pairs = json.loads(results.read_text())["pairs"] if results.exists() else []
    key = "python", "torch"
    pairs = [other for other in pairs if any(other[name] != pair[name] for name in key)] + [pair]
    pairs.sort(key=lambda each: [[int(n) for n in each[name].split(".")] for name in key])
    results.write_text(json.dumps({"system": platform.system(), "pairs": pairs}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", nargs="+", metavar="PYTHON:TORCH")
    for pair in parser.parse_args().pairs:
        python, colon, torch = pair.rpartition(":")
        if not colon:
            parser.error(f"expected PYTHON:TORCH, got {pair}")
        result = try_pair(python, torch)
        write(result)
        print(result, flush=True)


if __name__ == "__main__":
    main()
