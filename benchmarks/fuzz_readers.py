"""Break the files of data sets at random and open them, to ``benchmarks/results/fuzz.json``: nothing may end in another
error than a `DataError`, take long, or lose an object or a picture without a word.

.venv/bin/python benchmarks/fuzz_readers.py ../shared/data/bccd ../shared/data/coco128 --inputs 10000

A few pictures of each data set are written, small, in every layout; each input is one of these with one to four
mutations of its files. What is lost is counted by a second reading of the label files, which knows nothing of the
readers: every object is in a record or in a problem, every picture in a record, a problem or a note.
"""

import argparse
import io
import json
import os
import random
import re
import shutil
import signal
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from measuring import put_between_marks
from PIL import Image

from yolosses.training.data import DataError, DetectionDataset, Record, open_dataset

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs/en/how-to/your-data.md"
PICTURES = 4
SIDE = 64  # pixels
LIMIT = 20  # seconds

Files = dict[str, bytes]
SKIPS_A_ROW = ("row", "number", "class", "other class", "area", "outside", "repeat")
WORDS = [
    "nan",
    "inf",
    "1e400",
    "-1",
    "1_0",
    "0x10",
    "٣",
    "9" * 20,
    "1e-320",
    *",;.'\"<>&",
    "{}",
    "[]",
    "null",
    "\0",
]


def picture_bytes(dataset: DetectionDataset, index: int) -> tuple[bytes, int, int]:
    """A picture of a data set as a small JPEG, its width and its height."""
    image = Image.fromarray(dataset.picture(index))
    image.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    image.save(stream, "JPEG")
    return stream.getvalue(), image.width, image.height


def layouts(dataset: DetectionDataset) -> dict[str, Files]:
    """The first pictures with objects, in every layout."""
    chosen = [index for index, record in enumerate(dataset.records) if len(record.labels)][:PICTURES]
    names = [name.replace(" ", "_") for name in dataset.class_names]
    found: dict[str, Files] = {
        name: {} for name in ("voc", "voc beside", "yolo", "yolo beside", "darknet", "polygons")
    }
    coco: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number + 1, "name": name} for number, name in enumerate(names)],
    }
    found["coco"] = {}
    for number, index in enumerate(chosen):
        record = dataset.records[index]
        content, width, height = picture_bytes(dataset, index)
        stem = f"picture {number}"
        rows, polygons, objects = [], [], []
        for label, (cx, cy, w, h) in zip(record.labels.tolist(), record.boxes.tolist(), strict=True):
            left, top, right, bottom = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
            rows.append(f"{label} {cx:.6f} {cy:.6f} {w:.6f} {h:.6f}")
            corners = (left, top, right, top, right, bottom, left, bottom)
            polygons.append(f"{label} " + " ".join(f"{value:.6f}" for value in corners))
            sides = (left * width, top * height, right * width, bottom * height)
            edges = "".join(
                f"<{name}>{value:.2f}</{name}>"
                for name, value in zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True)
            )
            objects.append(f"<object><name>{names[label]}</name><bndbox>{edges}</bndbox></object>")
            coco["annotations"].append(
                {
                    "id": len(coco["annotations"]),
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": [left * width, top * height, w * width, h * height],
                    "iscrowd": 0,
                }
            )
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        xml = f"<annotation><filename>{stem}.jpg</filename>{size}\n{chr(10).join(objects)}</annotation>".encode()
        text, shapes = ("\n".join(lines).encode() + b"\n" for lines in (rows, polygons))
        found["voc"] |= {f"JPEGImages/{stem}.jpg": content, f"Annotations/{stem}.xml": xml}
        found["voc beside"] |= {f"{stem}.jpg": content, f"{stem}.xml": xml}
        found["yolo"] |= {f"images/{stem}.jpg": content, f"labels/{stem}.txt": text}
        found["polygons"] |= {f"images/{stem}.jpg": content, f"labels/{stem}.txt": shapes}
        found["yolo beside"] |= {f"{stem}.jpg": content, f"{stem}.txt": text}
        found["darknet"] |= {f"obj_train_data/{stem}.jpg": content, f"obj_train_data/{stem}.txt": text}
        found["coco"][f"images/{stem}.jpg"] = content
        coco["images"].append({"id": number, "file_name": f"{stem}.jpg", "width": width, "height": height})
    listed = "".join(f"{name}\n" for name in names).encode()
    lines = "".join(f"data/obj_train_data/picture {number}.jpg\n" for number in range(len(chosen))).encode()
    yaml = f"train: images\nnames: [{', '.join(names)}]\n".encode()
    stems = "".join(f"picture {number}\n" for number in range(len(chosen))).encode()
    found["voc"]["ImageSets/Main/train.txt"] = stems
    found["yolo"]["data.yaml"] = found["polygons"]["data.yaml"] = yaml
    found["yolo beside"]["classes.txt"] = listed
    darknet = b"classes = 3\ntrain = data/train.txt\nnames = data/obj.names\n"
    found["darknet"] |= {"obj.data": darknet, "obj.names": listed, "train.txt": lines}
    found["coco"]["annotations/instances_train.json"] = json.dumps(coco).encode()
    return found


def mutated(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A file's content, broken in one way."""
    if not content:
        return chance.randbytes(chance.randrange(1, 40))
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice((1, 2, 8, 64, 512)))
    words = content.split(b" ")
    place = chance.randrange(len(words))
    word = chance.choice(WORDS).encode()
    lines = content.splitlines(keepends=True)
    line = chance.randrange(len(lines))
    ways: list[Callable[[], bytes]] = [
        lambda: content[:start],
        lambda: content[:start] + content[end:],
        lambda: content[:end] + content[start:],
        lambda: content[:start] + chance.randbytes(end - start) + content[end:],
        lambda: content[:start] + bytes([content[start] ^ (1 << chance.randrange(8))]) + content[start + 1 :],
        lambda: b" ".join([*words[:place], word, *words[place + 1 :]]),
        lambda: b" ".join([*words[:place], word, *words[place:]]),
        lambda: b"".join([*lines[:line], *lines[line + 1 :]]),
        lambda: content.replace(b"\n", b"\r\n"),
        lambda: content.decode("latin-1").encode(chance.choice(("utf-16", "utf-16-be", "utf-32", "utf-8"))),
        lambda: chance.choice(others),
        lambda: b"",
        lambda: content.replace(b"0", chance.choice((b"", b"00", b"-0", b"9" * 30))),
        lambda: content.replace(b">", b" >", 1).replace(b'"', b"'", 1).replace(b"[", b"", 1),
    ]
    return chance.choice(ways)()


def broken(files: Files, chance: random.Random) -> Files:
    """A data set with one to four mutations."""
    result = dict(files)
    contents = list(files.values())
    for _ in range(chance.randint(1, 4)):
        # Label files twice as often as pictures.
        names = [name for name in result if not name.endswith(".jpg") or chance.random() < 0.5] or list(
            result
        )
        name = chance.choice(names)
        kind = chance.random()
        if kind < 0.85:
            result[name] = mutated(result[name], chance, contents)
        elif kind < 0.9 and len(result) > 1:
            del result[name]
        else:
            folder, _, last = name.rpartition("/")
            stem, _, suffix = last.rpartition(".")
            renamed = chance.choice(
                (
                    f"{stem}.{suffix.upper()}",
                    f"{stem}-2.{suffix}",
                    f"._{last}",
                    f"{stem}\udcff.{suffix}",
                    f"ｘ {last}",
                )
            )
            result[f"{folder}/{renamed}" if folder else renamed] = result.pop(name)
    return result


def write_files(root: Path, files: Files) -> None:
    """Write a data set to an empty folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def silent_losses(root: Path, layout: str, dataset: DetectionDataset) -> list[str]:
    """What neither a record nor a problem nor a note accounts for."""
    told = "\n".join([*map(str, dataset.problems), dataset.note or ""])
    lost = []
    for record in dataset.records:
        objects = _objects_of(record, layout)
        skipped = sum(
            problem.file == _label_file(record)
            and problem.kind in SKIPS_A_ROW
            and (layout != "coco" or problem.where in _places(record))
            for problem in dataset.problems
        )
        if layout == "coco":
            skipped = objects - len(record.labels) if _coco_told(record, objects, dataset) else skipped
        if objects > len(record.labels) + skipped:
            lost.append(f"{record.name}: {objects} objects, {len(record.labels)} kept, {skipped} skipped")
    known = {record.path for record in dataset.records}
    for path in root.rglob("*"):
        is_picture = path.suffix.lower() == ".jpg" and not path.name.startswith("._")
        counted = "are in no list" in told or "without any label file" in told or "no annotation" in told
        if is_picture and path.is_file() and path not in known and not counted:
            name = path.name.encode("utf-8", "backslashreplace").decode()
            if name not in told and path.stem not in told:
                lost.append(f"picture {name} is in no record, problem or note")
    return lost


def _label_file(record: Record) -> Path | None:
    return record.written.file if record.written else None


def _places(record: Record) -> tuple[str, ...]:
    return record.written.places if record.written else ()


def _coco_told(record: Record, objects: int, dataset: DetectionDataset) -> bool:
    """Whether as many annotations were skipped in the file as its records lack."""
    skipped = sum(problem.kind in SKIPS_A_ROW for problem in dataset.problems)
    return objects - len(record.labels) <= skipped


def _objects_of(record: Record, layout: str) -> int:
    """Objects that the label file of a picture has, read in another way than the readers do."""
    file = _label_file(record)
    if file is None or not file.is_file():
        return 0
    content = file.read_bytes()
    if layout.startswith("voc"):
        try:
            root = ElementTree.fromstring(content)
        except (ElementTree.ParseError, ValueError, LookupError):  # in another encoding: its tags are counted
            return len(re.findall(rb"<object[\s/>]", content.replace(b"\0", b"")))
        return sum(element.tag.lower() == "object" for element in root.iter())
    if layout == "coco":
        whole = json.loads(content if b"\0" in content else content.decode("utf-8-sig", "replace"))
        ids = [image["id"] for image in whole["images"] if image.get("file_name") == record.name]
        return sum(isinstance(row, dict) and row.get("image_id") == ids[0] for row in whole["annotations"])
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(b"\0") * 3 > len(content):
        content = content.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return sum(bool(line.strip()) for line in content.splitlines())


def try_one(files: Files, layout: str, folder: Path) -> tuple[str, list[str]]:
    """Open a broken data set. What came of it ("opened", "refused", "crash", "hang"), and what to look at."""
    write_files(folder, files)
    signal.alarm(LIMIT)
    try:
        dataset = open_dataset(folder, whole=True)
        for index in range(len(dataset)):
            try:
                dataset.picture(index)
            except DataError:
                continue
        signal.alarm(0)
        return "opened", silent_losses(folder, layout, dataset)
    except DataError as error:
        return "refused", [] if "\n" not in str(error) else [f"more than a line: {error}"]
    except TimeoutError:
        return "hang", ["took too long"]
    except Exception:
        return "crash", [traceback.format_exc()]
    finally:
        signal.alarm(0)


def fuzz(
    bases: dict[str, dict[str, Files]], inputs: int, seed: int
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Try ``inputs`` broken data sets. Counts for each layout, and the first findings."""
    signal.signal(signal.SIGALRM, _raise_timeout)
    counts: dict[str, Counter[str]] = {}
    findings: list[str] = []
    cases = [(data, layout) for data, found in bases.items() for layout in found]
    for number in range(inputs):
        data, layout = cases[number % len(cases)]
        chance = random.Random(f"{seed} {number}")
        files = broken(bases[data][layout], chance)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            outcome, details = try_one(files, layout, folder)
        finally:
            shutil.rmtree(os.fsencode(folder), ignore_errors=True)
        count = counts.setdefault(layout, Counter(inputs=0, opened=0, refused=0, crash=0, hang=0, silent=0))
        count["inputs"] += 1
        count[outcome] += 1
        count["silent"] += outcome in ("opened", "refused") and bool(details)
        findings += [f"{data}, {layout}, input {number}: {detail}" for detail in details]
    return counts, findings


def table(result: dict[str, Any]) -> str:
    """The counts as a table."""
    lines = [
        "| layout | inputs | opened | refused with a line | crashes | hangs | silent |",
        "|---|" + "---:|" * 6,
    ]
    keys = ("inputs", "opened", "refused", "crash", "hang", "silent")
    for layout, count in [*result["layouts"].items(), ("in all", result["in_all"])]:
        lines.append(f"| {layout} | " + " | ".join(f"{count[key]:,}" for key in keys) + " |")
    return "\n".join(lines)


def _raise_timeout(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def main() -> None:
    """Read the arguments, fuzz, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+", type=Path, help="data sets whose pictures and labels are broken")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "fuzz.json")
    arguments = parser.parse_args()
    start = time.perf_counter()
    bases = {path.name: layouts(open_dataset(path, whole=True)) for path in arguments.data}
    counts, findings = fuzz(bases, arguments.inputs, arguments.seed)
    total: Counter[str] = Counter()
    for layout, count in counts.items():
        print(f"{layout:12}", dict(count))
        total.update(count)
    print("in all      ", dict(total))
    for finding in findings[:20]:
        print(finding)
    result = {
        "command": f"benchmarks/fuzz_readers.py, {arguments.inputs} inputs, seed {arguments.seed}",
        "data": sorted(bases),
        "seconds": round(time.perf_counter() - start, 1),
        "in_all": dict(total),
        "layouts": {layout: dict(count) for layout, count in counts.items()},
    }
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    if arguments.out == RESULTS / "fuzz.json":
        put_between_marks(PAGE, "fuzz", table(result))


if __name__ == "__main__":
    main()
