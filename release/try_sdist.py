"""The sdist in a new environment: unpacked, built, installed, and tested by the tests that it brings along.

    python release/try_sdist.py [--python PYTHON]

``make dist`` writes the sdist.
"""

from __future__ import annotations

import argparse
import sys
import tarfile

from environments import ROOT, new_environment, only, run_tests_of_losses, try_the_example


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="the interpreter")
    python = parser.parse_args().python
    sdist = only("yolosses-*.tar.gz", ROOT / "dist")
    with new_environment(python) as environment:
        with tarfile.open(sdist) as archive:
            archive.extractall(environment.folder, filter="data")
        tree = environment.folder / sdist.name.removesuffix(".tar.gz")
        environment.install(str(tree))
        expected = tree.name.removeprefix("yolosses-")
        if (version := environment.version("yolosses")) != expected:
            sys.exit(f"the sdist installs version {version}, expected {expected}")
        try_the_example(environment)
        print(f"the sdist, installed: {run_tests_of_losses(environment, tree)} tests passed")


if __name__ == "__main__":
    main()
