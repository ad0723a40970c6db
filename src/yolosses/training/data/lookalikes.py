"""Label files in formats that are not read, told by how they look, and what would make them readable."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from yolosses.training.data.text import head_of

_HEAD = 65536  # bytes


class _Format(NamedTuple):
    name: str
    suffixes: tuple[str, ...]
    shows: Callable[[str], object]


_KITTI = re.compile(r"^[A-Za-z_]+( -?\d+(\.\d+)?){14,15}\s*$", re.MULTILINE)
_DOTA = re.compile(r"^(-?\d+(\.\d+)?[ ,]){8}[A-Za-z][\w-]*[ ,][0-2]\s*$", re.MULTILINE)
_NAMED = re.compile(r"^[^\W\d][\w-]*( -?\d+(\.\d+)?){4,5}\s*$", re.MULTILINE)
_FORMATS = (
    _Format("CVAT's own xml", (".xml",), re.compile(r"<annotations[\s>]").search),
    _Format("a csv table", (".csv", ".tsv"), lambda text: True),
    _Format("LabelMe's json", (".json",), re.compile(r'"shapes"\s*:').search),
    _Format("VIA's json", (".json",), re.compile(r'"(_via_img_metadata|regions)"\s*:').search),
    _Format("CreateML's json", (".json",), re.compile(r'"coordinates"\s*:').search),
    _Format("Label Studio's json", (".json",), re.compile(r'"(rectanglelabels|polygonlabels)"').search),
    _Format("KITTI's labels", (".txt",), _KITTI.search),
    _Format("DOTA's labels", (".txt",), _DOTA.search),
    _Format("rows with class names in place of numbers", (".txt",), _NAMED.search),
    _Format("TFRecords", (".tfrecord", ".tfrecords", ".record"), lambda text: True),
    _Format("a parquet table", (".parquet",), lambda text: True),
    _Format("a packed archive", (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z"), lambda text: True),
)
_ADVICE = "export it as COCO, YOLO or VOC from the tool that wrote it"


def looks_like(files: Sequence[Path]) -> str:
    """A sentence that names the first format that files look like, beginning with "; ", or nothing."""
    for file in files:
        for known in _FORMATS:
            if file.suffix.lower() in known.suffixes and known.shows(_head(file)):
                advice = "unpack it first" if known.name == "a packed archive" else _ADVICE
                return f"; {file.name} looks like {known.name}: {advice}"
    return ""


def _head(file: Path) -> str:
    try:
        return head_of(file, _HEAD)
    except OSError:
        return ""
