"""``python -m yolosses.export playground OUT``: write the graphs that the playground's page runs."""

import sys
from pathlib import Path

from yolosses.export.playground import write_playground

USAGE = "usage: python -m yolosses.export playground OUT [WORKERS]"


def main(arguments: list[str]) -> int:
    """Write the graphs and print how large they are; 2 where the arguments are others."""
    if len(arguments) not in (2, 3) or arguments[0] != "playground":
        print(USAGE, file=sys.stderr)
        return 2
    folder = Path(arguments[1])
    entries = write_playground(folder, int(arguments[2]) if len(arguments) > 2 else 1)
    sizes = [(folder / entry.file).stat().st_size for entry in entries.values()]
    print(f"{len(sizes)} graphs, {sum(sizes) / 1e6:.1f} MB: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
