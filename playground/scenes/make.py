"""Make the built-in scenes of the playground from the library's digit scenes: one PNG each, and scenes.json."""

import json
from pathlib import Path

from PIL import Image

from yolosses.training.data import digit_scenes

# Three objects far apart; two whose centres share a cell of the 3 x 3 grid; a large and a small one.
SCENES = {"three": 58, "one-cell": 471, "sizes": 48}
# Predictions that begin with the same error, in fractions of the picture, on large and small objects.
ERRORS = {"sizes": 0.04}


def main() -> None:
    folder = Path(__file__).parent
    digits = digit_scenes("val", count=max(SCENES.values()) + 1)
    scenes = []
    for name, index in SCENES.items():
        Image.fromarray(digits.picture(index)).save(folder / f"{name}.png", optimize=True)
        record = digits.records[index]
        truths = [
            {"box": box, "label": label}
            for box, label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True)
        ]
        error = {"error": ERRORS[name]} if name in ERRORS else {}
        scenes.append({"name": name, "truths": truths} | error)
    (folder / "scenes.json").write_text(json.dumps(scenes, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
