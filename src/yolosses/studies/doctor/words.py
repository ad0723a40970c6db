"""What the doctor says, English and Traditional Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yolosses.explain.words import Language

if TYPE_CHECKING:
    from yolosses.studies.doctor.conventions import Convention
    from yolosses.studies.doctor.structures import BoxEvidence, ClassEvidence, OddBox


@dataclass(frozen=True, kw_only=True)
class _Texts:
    swapped_xy: str
    swapped_centre: str
    swapped_corner: str
    swapped_size: str
    swapped_corners: str
    wrong_format: str
    wrong_unit: str
    both: str
    formats: dict[str, str]
    units: dict[str, str]
    scope: dict[str, str]
    misfits: str
    contrast: str
    no_contrast: str
    usual_contrast: str
    likeness: str
    class_high: str
    class_low: str
    unknown: str
    unused_here: str
    unused_anywhere: str
    counted_from_one: str
    mended: str
    class_likeness: str
    maybe_more: str
    odd: dict[str, str]


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        swapped_xy="x and y are swapped",
        swapped_centre="cx and cy are swapped",
        swapped_corner="x and y of the corner are swapped",
        swapped_size="w and h are swapped",
        swapped_corners="the corners are swapped (right, bottom before left, top)",
        wrong_format="{meant} given as {read}",
        wrong_unit="{meant} given as {read}",
        both="{one}, and {other}",
        formats={
            "cxcywh": "cxcywh (centre, size)",
            "xyxy": "xyxy (left, top, right, bottom)",
            "xywh": "xywh (left, top, size)",
        },
        units={"pixels": "pixels", "fractions": "fractions of the picture"},
        scope={
            "all": "Suspected in the labels of {pictures} of {of} pictures with objects: {boxes} boxes.",
            "pictures": "Suspected in the labels of {pictures} of {of} pictures with objects: {boxes} boxes.",
            "boxes": "Suspected of {boxes} single boxes in {pictures} of {of} pictures with objects.",
        },
        misfits="As written, {read} of the {boxes} boxes have no area or leave their picture; read as suspected, "
        "{meant}.",
        contrast="The picture changes under the boxes' borders by {read} as written, by {meant} read as suspected "
        "(in standard deviations; 0 is what the same boxes meet in other pictures{usual}).",
        no_contrast="nothing that could be looked at",
        usual_contrast="; the other boxes meet {value:+.2f}",
        likeness="Against the other boxes of the same class, shape and size are more usual as written for {read} "
        "boxes, read as suspected for {meant}.",
        class_high="class numbers are off by one: 1 too high",
        class_low="class numbers are off by one: 1 too low",
        unknown="{count} object(s) have the class number {number}, but the classes are numbered {first} to {last}.",
        unused_here="None of the {boxes} objects in these labels has class {unused}; of the {others} others, "
        "{elsewhere} do.",
        unused_anywhere="None of the {boxes} objects has class {unused}.",
        counted_from_one="Numbers 1 to {last} are all used, and none of the {boxes} objects has class 0: "
        "the classes seem to be counted from 1, and there are no names that say otherwise.",
        mended="With {step} every number would stand for a class.",
        class_likeness="Against the other objects, {read} of these look more like the class as written, "
        "{meant} like the class with {step}.",
        maybe_more="Other labels may have the same fault without showing it: their numbers all stand for some class.",
        odd={
            "tiny": "a side of {value:.1f} pixels",
            "sliver": "one side is {value:.0f} times the other",
            "whole": "covers {value:.0%} of the picture, beside other objects",
            "large": "{value:.1f} times as large as its class usually is",
            "small": "{value:.1f} times as small as its class usually is",
            "twin": "almost the same box as {other} (IoU {value:.2f}), same class",
            "two classes": "almost the same box as {other} (IoU {value:.2f}), another class",
        },
    ),
    "zh-TW": _Texts(
        swapped_xy="x 與 y 對調了",
        swapped_centre="cx 與 cy 對調了",
        swapped_corner="角點的 x 與 y 對調了",
        swapped_size="w 與 h 對調了",
        swapped_corners="兩個角點對調了（先寫右下，後寫左上）",
        wrong_format="寫的是 {meant}，讀成了 {read}",
        wrong_unit="寫的是{meant}，讀成了{read}",
        both="{one}，而且{other}",
        formats={
            "cxcywh": "cxcywh（中心、大小）",
            "xyxy": "xyxy（左、上、右、下）",
            "xywh": "xywh（左、上、大小）",
        },
        units={"pixels": "像素", "fractions": "影像比例"},
        scope={
            "all": "在 {of} 張有物件的影像中，有 {pictures} 張的標註可疑，共 {boxes} 個框。",
            "pictures": "在 {of} 張有物件的影像中，有 {pictures} 張的標註可疑，共 {boxes} 個框。",
            "boxes": "在 {of} 張有物件的影像中，{pictures} 張裡有 {boxes} 個框各自可疑。",
        },
        misfits="照現在的寫法，{boxes} 個框中有 {read} 個沒有面積或超出影像；照懷疑的寫法解讀，則有 {meant} 個。",
        contrast="框邊上的影像變化：照現在的寫法為 {read}，照懷疑的寫法為 {meant}"
        "（單位是標準差；同樣的框放在其他影像上為 0{usual}）。",
        no_contrast="無從比較",
        usual_contrast="；其他的框為 {value:+.2f}",
        likeness="與同類別的其他框相比，有 {read} 個框照現在的寫法形狀與大小較尋常，"
        "有 {meant} 個框照懷疑的寫法較尋常。",
        class_high="類別編號差一：大了 1",
        class_low="類別編號差一：小了 1",
        unknown="有 {count} 個物件的類別編號是 {number}，但類別只編到 {first} 至 {last}。",
        unused_here="這些標註的 {boxes} 個物件沒有一個是類別 {unused}；其他 {others} 個物件中則有 {elsewhere} 個。",
        unused_anywhere="全部 {boxes} 個物件沒有一個是類別 {unused}。",
        counted_from_one="編號 1 到 {last} 全都用到，{boxes} 個物件卻沒有一個是類別 0："
        "類別似乎從 1 開始編號，也沒有類別名稱可以對照。",
        mended="把編號{step}之後，每個編號都有對應的類別。",
        class_likeness="與其他物件相比，有 {read} 個物件較像現在編號的類別，有 {meant} 個較像編號{step}之後的類別。",
        maybe_more="其他標註可能也有同樣的錯誤而看不出來：它們的編號都各自對應到某個類別。",
        odd={
            "tiny": "有一邊只有 {value:.1f} 像素",
            "sliver": "長邊是短邊的 {value:.0f} 倍",
            "whole": "佔了影像的 {value:.0%}，同張影像還有其他物件",
            "large": "是同類別尋常大小的 {value:.1f} 倍",
            "small": "只有同類別尋常大小的 {value:.1f} 分之一",
            "twin": "與 {other} 幾乎是同一個框（IoU {value:.2f}），類別相同",
            "two classes": "與 {other} 幾乎是同一個框（IoU {value:.2f}），類別不同",
        },
    ),
}

_STEPS: dict[Language, dict[int, str]] = {
    "en": {1: "1 subtracted", -1: "1 added"},
    "zh-TW": {1: "減 1 ", -1: "加 1 "},
}


def box_fault(evidence: BoxEvidence, *, language: Language = "en") -> str:
    """A name for how boxes seem to be written: ``xyxy (left, top, right, bottom) given as cxcywh (centre, size)``."""
    texts, read, meant = _TEXTS[language], evidence.read_as, evidence.meant
    parts = []
    if meant.unit != read.unit:
        parts.append(texts.wrong_unit.format(meant=texts.units[meant.unit], read=texts.units[read.unit]))
    if meant.format != read.format:
        parts.append(
            texts.wrong_format.format(meant=texts.formats[meant.format], read=texts.formats[read.format])
        )
    if meant.swap != "none":
        parts.append(_swap(texts, meant))
    name = parts[0]
    for part in parts[1:]:
        name = texts.both.format(one=name, other=part)
    return name


def _swap(texts: _Texts, meant: Convention) -> str:
    match meant.swap:
        case "xy":
            return texts.swapped_xy
        case "centre":
            return texts.swapped_centre if meant.format == "cxcywh" else texts.swapped_corner
        case "size":
            return texts.swapped_size
        case _:
            return texts.swapped_corners


def box_reasons(
    evidence: BoxEvidence, *, scope: str, pictures: int, of_pictures: int, language: Language = "en"
) -> list[str]:
    """Why, in sentences with numbers."""
    texts = _TEXTS[language]
    said = [texts.scope[scope].format(pictures=pictures, of=of_pictures, boxes=evidence.boxes)]
    if any(evidence.misfits):
        misfits, still = evidence.misfits
        said.append(texts.misfits.format(read=misfits, meant=still, boxes=evidence.boxes))
    if any(value is not None for value in evidence.contrast):
        usual = (
            ""
            if evidence.usual_contrast is None
            else texts.usual_contrast.format(value=evidence.usual_contrast)
        )
        read, meant = (texts.no_contrast if value is None else f"{value:+.2f}" for value in evidence.contrast)
        said.append(texts.contrast.format(read=read, meant=meant, usual=usual))
    if evidence.likeness is not None and any(evidence.likeness):
        as_read, as_meant = evidence.likeness
        said.append(texts.likeness.format(read=as_read, meant=as_meant))
    return said


def class_fault(evidence: ClassEvidence, *, language: Language = "en") -> str:
    """A name for how class numbers seem to be shifted."""
    texts = _TEXTS[language]
    return texts.class_high if evidence.shift > 0 else texts.class_low


def class_reasons(
    evidence: ClassEvidence, *, scope: str, pictures: int, of_pictures: int, language: Language = "en"
) -> list[str]:
    """Why, in sentences with numbers."""
    texts = _TEXTS[language]
    said = [texts.scope[scope].format(pictures=pictures, of=of_pictures, boxes=evidence.boxes)]
    if evidence.unknown is None:
        return [*said, texts.counted_from_one.format(last=evidence.last, boxes=evidence.boxes)]
    number, count = evidence.unknown
    said.append(texts.unknown.format(count=count, number=number, first=evidence.first, last=evidence.last))
    unused = texts.unused_here if evidence.boxes_elsewhere else texts.unused_anywhere
    said.append(
        unused.format(
            boxes=evidence.boxes,
            unused=evidence.unused,
            others=evidence.boxes_elsewhere,
            elsewhere=evidence.used_elsewhere,
        )
    )
    step = _STEPS[language][evidence.shift]
    said.append(texts.mended.format(step=step))
    if evidence.likeness is not None:
        read, meant = evidence.likeness
        said.append(texts.class_likeness.format(read=read, meant=meant, step=step))
    if evidence.boxes_elsewhere:
        said.append(texts.maybe_more)
    return said


def odd_reason(box: OddBox, *, language: Language = "en") -> str:
    """What is strange about a box."""
    kind, value = str(box.kind), box.value
    if box.kind == "size":
        kind, value = ("large", value) if value >= 1 else ("small", 1 / value)
    return _TEXTS[language].odd[kind].format(value=value, other=box.other)
