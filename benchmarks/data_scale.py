"""Memory and time for large data, to ``benchmarks/results/data-scale.json``: 100,000 pictures, a label file of 200 MB,
57,000 boxes in one picture, 600 photos of 12 megapixels.

.venv/bin/python benchmarks/data_scale.py
.venv/bin/python benchmarks/data_scale.py --before OTHER/src    # beside another version of the library

Each case runs in a process of its own with one thread; the data are made once, in ``--work``.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import put_between_marks
from PIL import Image

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs/en/how-to/your-data.md"
LIMIT = 600  # seconds for one case


def many_pictures(root: Path) -> Path:
    """100,000 pictures of 64 x 48 with 1 to 11 boxes each, in YOLO layout."""
    (root / "images/train").mkdir(parents=True)
    (root / "labels/train").mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(root / "one.jpg")
    content = (root / "one.jpg").read_bytes()
    (root / "one.jpg").unlink()
    for number in range(100_000):
        (root / f"images/train/{number:06}.jpg").write_bytes(content)
        places = rng.uniform(0.1, 0.9, (rng.integers(1, 12), 2))
        rows = "".join(f"{number % 5} {x:.4f} {y:.4f} 0.1 0.1\n" for x, y in places)
        (root / f"labels/train/{number:06}.txt").write_text(rows)
    (root / "data.yaml").write_text("train: images/train\nnames: [a, b, c, d, e]\n")
    return root


def large_json(root: Path) -> Path:
    """A COCO json of 200 MB, most of it segmentations."""
    (root / "annotations").mkdir(parents=True)
    (root / "train").mkdir()
    Image.new("RGB", (64, 48)).save(root / "train/0.jpg")
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 64, "height": 48} for i in range(2000)]
    for number in range(1, 2000):
        os.link(root / "train/0.jpg", root / f"train/{number}.jpg")
    rng = np.random.default_rng(0)
    categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]
    with (root / "annotations/instances_train.json").open("w") as file:
        file.write(
            f'{{"images": {json.dumps(images)}, "categories": {json.dumps(categories)}, "annotations": ['
        )
        number, size = 0, 0
        while size < 200_000_000:
            row = {
                "id": number,
                "image_id": int(rng.integers(0, 2000)),
                "category_id": int(rng.integers(1, 4)),
                "bbox": [1.0 + number % 7, 2.0, 30.0, 20.0 + number % 5],
                "iscrowd": 0,
                "segmentation": [[round(float(value), 2) for value in rng.uniform(0, 48, 80)]],
            }
            text = f"{', ' if number else ''}{json.dumps(row)}"
            file.write(text)
            number, size = number + 1, size + len(text)
        file.write("]}")
    return root


def many_boxes(root: Path) -> Path:
    """57,000 boxes in one picture of 1920 x 1080."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 255, (1080, 1920, 3), np.uint8)).save(root / f"images/{number}.jpg")
        boxes = rng.uniform(
            (0.05, 0.05, 0.002, 0.002), (0.95, 0.95, 0.02, 0.02), (57_000 if not number else 5, 4)
        )
        rows = "".join(f"{i % 3} {' '.join(f'{v:.6f}' for v in box)}\n" for i, box in enumerate(boxes))
        (root / f"labels/{number}.txt").write_text(rows)
    (root / "data.yaml").write_text("train: images\nnames: [a, b, c]\n")
    return root


def photos(root: Path) -> Path:
    """600 photos of 4000 x 3000, with a box each."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)) for _ in range(6)]
    contents = []
    for number, image in enumerate(coarse):
        image.resize((4000, 3000), Image.Resampling.BICUBIC).save(root / f"{number}.jpg", quality=90)
        contents.append((root / f"{number}.jpg").read_bytes())
        (root / f"{number}.jpg").unlink()
    for number in range(600):
        (root / f"images/{number:03}.jpg").write_bytes(contents[number % 6] + number.to_bytes(4, "little"))
        (root / f"labels/{number:03}.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    (root / "data.yaml").write_text("train: images\nnames: [a]\n")
    return root


def opened(root: Path) -> None:
    """Open all of a data set."""
    from yolosses.training.data import open_dataset

    dataset = open_dataset(root, whole=True)
    print(len(dataset), sum(len(record.labels) for record in dataset.records))


def examined(root: Path) -> None:
    """`yolosses inspect`."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "yolosses", "inspect", str(root), "--out", f"{out}/report"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr.strip().splitlines()[-1])
        print(sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file()))


def two_epochs(root: Path) -> None:
    """All training pictures twice, at 320 pixels."""
    from yolosses.training.data import Augmentation, Batches, open_dataset

    dataset = open_dataset(root, "train")
    batches = Batches(dataset, batch_size=8, image_size=(320, 320), augmentation=Augmentation())
    for epoch in range(2):
        start = time.perf_counter()
        count = sum(len(batch.indices) for batch in batches.epoch(epoch))
        print(f"epoch {epoch}: {count / (time.perf_counter() - start):.1f} pictures a second")


DATA: dict[str, Callable[[Path], Path]] = {
    "many-pictures": many_pictures,
    "large-json": large_json,
    "many-boxes": many_boxes,
    "photos": photos,
}
CASES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "100,000 pictures, opened": ("many-pictures", opened),
    "100,000 pictures, opened again": ("many-pictures", opened),
    "100,000 pictures, inspected": ("many-pictures", examined),
    "COCO json of 200 MB, opened": ("large-json", opened),
    "57,000 boxes in one picture, opened": ("many-boxes", opened),
    "57,000 boxes in one picture, inspected": ("many-boxes", examined),
    "600 photos of 12 megapixels, opened": ("photos", opened),
    "600 photos of 12 megapixels, two epochs": ("photos", two_epochs),
    "600 photos of 12 megapixels, inspected": ("photos", examined),
}


def measure(case: str, work: Path, source: Path | None) -> dict[str, Any]:
    """Run a case in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(work / "cache")}
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    command = [sys.executable, __file__, "--work", str(work), "--case", case]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return {"ended": f"not done after {LIMIT} s"}
    seconds = time.perf_counter() - start
    if done.returncode:
        return {"ended": (done.stderr.strip().splitlines() or ["?"])[-1][:200], "seconds": round(seconds, 1)}
    lines = done.stdout.strip().splitlines()
    peak, processor = map(float, lines[-1].split())
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(processor, 1),
        "peak_mib": round(peak),
        "printed": lines[:-1],
    }


def table(value: dict[str, Any]) -> str:
    """Seconds and memory of each case, before and now."""
    lines = ["| case | before | now |", "|---|---|---|"]
    for case, versions in value["cases"].items():
        lines.append(f"| {case} | {_cell(versions.get('before'))} | {_cell(versions['now'])} |")
    return "\n".join(lines)


def _cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "-"
    if "ended" in result:
        return f"failed: {result['ended'][:80]}".replace("|", "/")
    rates = [line.split(": ")[1].split()[0] for line in result["printed"] if line.startswith("epoch")]
    rate = f", {' then '.join(rates)} pictures/s" if rates else ""
    return f"{result['cpu_seconds']:.0f} s of processor, {result['peak_mib']:,} MiB{rate}"


def main() -> None:
    """Read the arguments; make data, measure each case, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "yolosses-data-scale")
    parser.add_argument("--before", type=Path, help="src folder of another version")
    parser.add_argument("--case", choices=CASES, help="run one case here and now")
    arguments = parser.parse_args()
    if arguments.case:
        data, run = CASES[arguments.case]
        run(arguments.work / data)
        own, inner = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        used = own.ru_utime + own.ru_stime + inner.ru_utime + inner.ru_stime
        print(max(own.ru_maxrss, inner.ru_maxrss) / 1024, used)
        return
    for name, make in DATA.items():
        if not (arguments.work / name).exists():
            make(arguments.work / name)
    versions = {"now": None} | ({"before": arguments.before} if arguments.before else {})
    results: dict[str, dict[str, Any]] = {}
    for case in CASES:
        results[case] = {
            version: measure(case, arguments.work, source) for version, source in versions.items()
        }
        print(case, json.dumps(results[case]), flush=True)
    value = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "threads": 1,
        "cases": results,
    }
    (RESULTS / "data-scale.json").write_text(json.dumps(value, indent=2) + "\n")
    put_between_marks(PAGE, "data-scale", table(value))


if __name__ == "__main__":
    main()
