"""Data sets as tools write them and people arrange them: each of these holds the same pictures and boxes."""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PureWindowsPath

import pytest
from tests.training.data.layouts import (
    CLASSES,
    THREE,
    Box,
    Picture,
    coco_content,
    paint,
    voc_xml,
    write,
    write_voc,
    yolo_row,
)

from yolosses.training.data import DataError, DetectionDataset, open_dataset, splits_of

TRAIN = THREE
VAL = (
    Picture("z.png", 32, 64, (Box("cat", 8, 8, 24, 24),)),
    Picture("my cat 1.png", 64, 64, (Box("dog", 0, 32, 16, 64), Box("owl", 8, 8, 40, 24))),
)
SPLITS = {"train": TRAIN, "val": VAL}
NAMES = "\n".join(CLASSES) + "\n"


def pictures(folder: Path, these: Iterable[Picture]) -> None:
    for picture in these:
        paint(folder / picture.name, picture.height, picture.width)


def rows(folder: Path, these: Iterable[Picture]) -> None:
    for picture in these:
        text = "".join(yolo_row(box, picture) for box in picture.boxes)
        write(folder / f"{Path(picture.name).stem}.txt", text)


def xmls(folder: Path, these: Iterable[Picture], encoding: str = "utf-8") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in these:
        (folder / f"{Path(picture.name).stem}.xml").write_bytes(voc_xml(picture).encode(encoding))


def lines(these: Sequence[Picture], form: str) -> str:
    return "".join(form.format(name=p.name, stem=Path(p.name).stem) + "\n" for p in these)


def roboflow_yolo(root: Path) -> None:
    for split, name in (("train", "train"), ("val", "valid")):
        pictures(root / name / "images", SPLITS[split])
        rows(root / name / "labels", SPLITS[split])
    places = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
    write(
        root / "data.yaml", f"{places}nc: 3\nnames: ['cat', 'dog', 'owl']\nroboflow:\n  license: CC BY 4.0\n"
    )


def cvat_yolo(root: Path) -> None:
    for split, name in (("train", "train"), ("val", "valid")):
        pictures(root / f"obj_{name}_data", SPLITS[split])
        rows(root / f"obj_{name}_data", SPLITS[split])
        write(root / f"{name}.txt", lines(SPLITS[split], f"data/obj_{name}_data/{{name}}"))
    write(root / "obj.names", NAMES)
    places = "train = data/train.txt\nvalid = data/valid.txt\n"
    write(root / "obj.data", f"classes = 3\n{places}names = data/obj.names\nbackup = backup/\n")


def darknet(form: str) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        for split, name in (("train", "train"), ("val", "test")):
            pictures(root / "data/obj", SPLITS[split])
            rows(root / "data/obj", SPLITS[split])
            write(root / f"data/{name}.txt", lines(SPLITS[split], form))
        write(root / "data/obj.names", NAMES)
        places = "train=data/train.txt\nvalid=data/test.txt\n"
        write(root / "data/obj.data", f"classes=3\n{places}names=data/obj.names\n")

    return build


def labels_in(folders: str, labels: str) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        for split, these in SPLITS.items():
            pictures(root / folders.format(split=split), these)
            rows(root / labels.format(split=split), these)
        write(root / "classes.txt", NAMES)

    return build


def label_img_yolo(root: Path) -> None:
    for split, these in SPLITS.items():
        pictures(root / split, these)
        rows(root / split, these)
        write(root / split / "classes.txt", NAMES)


def voc_in(folders: str, annotations: str, lists: str | None = None) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        for split, these in SPLITS.items():
            pictures(root / folders.format(split=split), these)
            xmls(root / annotations.format(split=split), these)
            if lists is not None:
                write(root / lists / f"{split}.txt", lines(these, "{stem}"))

    return build


def coco_in(folders: str, file: str) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        for split, these in SPLITS.items():
            pictures(root / folders.format(split=split), these)
            write(root / file.format(split=split), json.dumps(coco_content(these)))

    return build


def coco_of_another_machine(root: Path) -> None:
    for split, these in SPLITS.items():
        pictures(root / "pictures" / split, these)
        content = coco_content(these)
        for image in content["images"]:
            image["file_name"] = f"C:\\data\\{split}\\{image['file_name']}"
        write(root / f"json/{split}.json", json.dumps(content))


def lists_at_the_top(root: Path) -> None:
    for split, these in SPLITS.items():
        pictures(root / "images", these)
        rows(root / "labels", these)
        write(root / f"{split}.txt", lines(these, "./images/{name}"))
    write(root / "classes.txt", NAMES)


EXPORTS: dict[str, Callable[[Path], None]] = {
    "Roboflow YOLO": roboflow_yolo,
    "CVAT YOLO 1.1": cvat_yolo,
    "Darknet": darknet("data/obj/{name}"),
    "Darknet of another machine": darknet("/home/me/darknet/data/obj/{name}"),
    "Darknet of Windows": darknet("data\\obj\\{name}"),
    "Darknet beside its list": darknet("obj/{name}"),
    "Ultralytics": labels_in("images/{split}", "labels/{split}"),
    "splits above": labels_in("{split}/images", "{split}/labels"),
    "upper case": labels_in("{split}/Images", "{split}/Labels"),
    "JPEGImages with labels": labels_in("JPEGImages/{split}", "labels/{split}"),
    "labels in annotations": labels_in("images/{split}", "annotations/{split}"),
    "labels aside": labels_in("{split}", "labels/{split}"),
    "all labels together": labels_in("images/{split}", "labels"),
    "split before images": labels_in("{split}_images", "{split}_labels"),
    "split after images": labels_in("images_{split}2017", "labels_{split}2017"),
    "lists at the top": lists_at_the_top,
    "below another folder": labels_in("set/images/{split}", "set/labels/{split}"),
    "labelImg YOLO": label_img_yolo,
    "VOC": voc_in("JPEGImages", "Annotations", "ImageSets/Main"),
    "VOC in lower case": voc_in("images", "annotations", "imagesets/main"),
    "VOC with Main at the top": voc_in("JPEGImages", "Annotations", "Main"),
    "VOC with lists in ImageSets": voc_in("JPEGImages", "Annotations", "ImageSets"),
    "VOC with lists at the top": voc_in("images", "xml", "."),
    "VOC by folders": voc_in("images/{split}", "Annotations/{split}"),
    "VOC by names of folders": voc_in("images_{split}", "annotations_{split}"),
    "VOC in VOCdevkit": voc_in(
        "VOCdevkit/VOC2007/JPEGImages", "VOCdevkit/VOC2007/Annotations", "VOCdevkit/VOC2007/ImageSets/Main"
    ),
    "labelImg VOC, Roboflow VOC": voc_in("{split}", "{split}"),
    "Oxford Pets": voc_in("images", "annotations/xmls", "annotations/main"),
    "COCO": coco_in("{split}2017", "annotations/instances_{split}2017.json"),
    "COCO in images": coco_in("images/{split}", "annotations/{split}.json"),
    "Roboflow COCO": coco_in("{split}", "{split}/_annotations.coco.json"),
    "COCO pair": coco_in("images", "{split}.json"),
    "COCO pair of other names": coco_in("data/{split}", "my_{split}_boxes.json"),
    "COCO of another machine": coco_of_another_machine,
}


def boxes_of(dataset: DetectionDataset) -> dict[str, list[tuple[str, list[float]]]]:
    return {
        PureWindowsPath(record.name).name: [
            (dataset.class_names[label], box)
            for label, box in zip(record.labels.tolist(), record.boxes.tolist(), strict=True)
        ]
        for record in dataset.records
    }


def truth(these: Iterable[Picture]) -> dict[str, list[tuple[str, list[float]]]]:
    return {
        p.name: [
            (
                box.label,
                [
                    (box.left + box.right) / 2 / p.width,
                    (box.top + box.bottom) / 2 / p.height,
                    (box.right - box.left) / p.width,
                    (box.bottom - box.top) / p.height,
                ],
            )
            for box in p.boxes
        ]
        for p in these
    }


@pytest.mark.parametrize("export", EXPORTS)
def test_every_export_gives_the_same_pictures_and_boxes(export: str, tmp_path: Path) -> None:
    root = tmp_path / "my set"
    EXPORTS[export](root)
    assert set(splits_of(root)) == {"train", "val"}
    for split, these in SPLITS.items():
        dataset = open_dataset(root, split)
        assert boxes_of(dataset) == truth(these)
        assert dataset.problems == []
        assert [dataset.picture(i).shape[:2] for i in range(len(dataset))] == [
            record.image_size for record in dataset.records
        ]


@pytest.mark.parametrize("name", ["default", "trainval", "result", "my export"])
def test_the_only_split_is_held_out_from_whatever_its_name(name: str, tmp_path: Path) -> None:
    these = [Picture(f"{i}.png", 16, 16, (Box("cat", 4, 4, 8, 8),)) for i in range(10)]
    pictures(tmp_path / "images", these)
    write(tmp_path / f"annotations/{name}.json", json.dumps(coco_content(these)))
    train, val = open_dataset(tmp_path, "train"), open_dataset(tmp_path, "val")
    assert (len(train), len(val)) == (8, 2)
    assert not {record.name for record in train.records} & {record.name for record in val.records}
    assert "held out" in (train.note or "")


def test_an_only_split_for_testing_is_whole_under_its_own_name(tmp_path: Path) -> None:
    these = [Picture(f"{i}.png", 16, 16, (Box("cat", 4, 4, 8, 8),)) for i in range(10)]
    write_voc(tmp_path, {"test": these})
    assert [len(open_dataset(tmp_path, split)) for split in ("test", "train", "val")] == [10, 8, 2]


def test_what_a_data_file_names_and_is_not_there_is_said(tmp_path: Path) -> None:
    roboflow_yolo(tmp_path)
    assert open_dataset(tmp_path, "train").note == (
        "test: no such file or folder: ../test/images (the split is left out)"
    )
    shutil.rmtree(tmp_path / "valid")
    assert splits_of(tmp_path) == ("train",)
    assert len(open_dataset(tmp_path, "val")) == 1  # held out
    shutil.rmtree(tmp_path / "train")
    with pytest.raises(DataError, match=r"train: no such file or folder"):
        open_dataset(tmp_path)


def test_folders_without_labels_are_said(tmp_path: Path) -> None:
    labels_in("{split}/images", "{split}/labels")(tmp_path)
    pictures(tmp_path / "test/images", VAL)
    assert open_dataset(tmp_path, "train").note == (
        "test/images is left out: 2 picture(s) without any label file"
    )
    rows(tmp_path / "test/Labels", VAL)
    assert splits_of(tmp_path) == ("test", "train", "val")
    assert open_dataset(tmp_path, "test").note == (
        "test/images has no test/labels; its labels are read from test/Labels"
    )


def test_label_folders_without_pictures_are_said(tmp_path: Path) -> None:
    labels_in("images/{split}", "labels/{split}")(tmp_path)
    rows(tmp_path / "labels/test", VAL)
    write(tmp_path / "labels/README.txt", "nothing but words")
    write(tmp_path / "labels/train.txt", "images/train/a.png")
    rows(tmp_path / "second/labels", [Picture("far.png", 16, 16, (Box("cat", 4, 4, 8, 8),))])
    assert open_dataset(tmp_path, "train").notes == (
        "labels/test is left out: 2 label file(s) of no picture",
        "second/labels is left out: 1 label file(s) of no picture",
    )


def test_pictures_in_no_list_are_counted(tmp_path: Path) -> None:
    write_voc(tmp_path, {"train": TRAIN[:1], "val": VAL})
    paint(tmp_path / "JPEGImages/c.png", 128, 64)
    write(tmp_path / "Annotations/c.xml", voc_xml(TRAIN[2]))
    assert "1 picture(s) are in no list, the first: c.png" in str(open_dataset(tmp_path).note)


@pytest.mark.parametrize(("images", "masks"), [("images", "masks"), ("train/images", "train/masks")])
def test_masks_with_the_names_of_pictures_are_no_pictures(images: str, masks: str, tmp_path: Path) -> None:
    labels_in(images, images.replace("images", "labels"))(tmp_path)
    pictures(tmp_path / masks, TRAIN)
    assert boxes_of(open_dataset(tmp_path, whole=True)) == truth([*TRAIN, *VAL])
    note = f"{masks} is left out: 3 picture(s) with the label files of other pictures"
    assert note in open_dataset(tmp_path, whole=True).notes


def test_a_picture_with_two_annotations_is_read_once(tmp_path: Path) -> None:
    voc_in("images", "Annotations")(tmp_path)
    xmls(tmp_path / "Annotations_old", TRAIN[:1])
    dataset = open_dataset(tmp_path, whole=True)
    assert boxes_of(dataset) == truth([*TRAIN, *VAL])
    (problem,) = dataset.problems
    assert problem.file == tmp_path / "Annotations_old/a.xml"
    assert (
        problem.reason
        == f"a.png has another annotation, which is taken: {tmp_path / 'Annotations' / 'a.xml'}"
    )


def test_a_missing_picture_is_not_taken_from_another_split(tmp_path: Path) -> None:
    EXPORTS["VOC by folders"](tmp_path)
    xmls(tmp_path / "Annotations/val", TRAIN[:1])
    dataset = open_dataset(tmp_path, "val")
    assert boxes_of(dataset) == truth(VAL)
    assert [problem.reason for problem in dataset.problems] == [f"no picture 'a' in {tmp_path}"]


@pytest.mark.parametrize("text", ["version https://git-lfs.github.com/spec/v1", "<html>", "[]"])
def test_a_json_that_cannot_be_used_is_said(text: str, tmp_path: Path) -> None:
    EXPORTS["COCO"](tmp_path)
    file = write(tmp_path / "annotations/instances_val2017.json", text)
    assert f"1 json file(s) are left out, the first: {file}" in open_dataset(tmp_path, "train").notes


def test_keypoints_beside_instances_are_no_split(tmp_path: Path) -> None:
    coco_in("{split}", "annotations/instances_{split}.json")(tmp_path)
    file = tmp_path / "annotations/person_keypoints_train.json"
    write(file, json.dumps(coco_content(TRAIN)))
    assert splits_of(tmp_path) == ("train", "val")
    assert f"1 json file(s) are left out, the first: {file}" in open_dataset(tmp_path, "train").notes
    shutil.rmtree(tmp_path / "annotations")
    for kind in ("instances", "person_keypoints"):
        write(tmp_path / f"annotations/{kind}_default.json", json.dumps(coco_content(TRAIN)))
    assert splits_of(tmp_path) == ("default",)


def test_labels_beside_the_splits_are_counted(tmp_path: Path) -> None:
    stray = (Picture("stray.png", 16, 16, (Box("cat", 4, 4, 8, 8),)),)
    voc_in("{split}", "{split}")(tmp_path / "voc")
    pictures(tmp_path / "voc", stray)
    xmls(tmp_path / "voc", stray)
    note = "1 annotation(s) are in the folder of no split, the first: stray.xml"
    assert note in open_dataset(tmp_path / "voc", "train").notes
    labels_in("images/{split}", "labels/{split}")(tmp_path / "yolo")
    pictures(tmp_path / "yolo/images", stray)
    rows(tmp_path / "yolo/labels", stray)
    assert "images is left out: 1 picture(s) in no split" in open_dataset(tmp_path / "yolo", "train").notes


def test_annotations_that_name_another_picture_are_said(tmp_path: Path) -> None:
    root = write_voc(tmp_path, SPLITS)
    xml = root / "Annotations/a.xml"
    write(xml, xml.read_text().replace("a.png", "IMG_0001.JPG"))
    note = open_dataset(root, "train").note
    assert "1 annotation(s) name another picture" in str(note)
    assert "a.xml names IMG_0001.JPG" in str(note)
    # Where no picture has the annotation's own name, the one that it names is taken.
    (root / "JPEGImages/a.png").rename(root / "JPEGImages/IMG_0001.JPG")
    write(root / "ImageSets/Main/train.txt", "a\nb\nc\n")
    assert "IMG_0001.JPG" in boxes_of(open_dataset(root, "train"))


def test_a_picture_belongs_to_the_annotation_of_its_name(tmp_path: Path) -> None:
    """Annotations that were copied name the picture of the first one."""
    voc_in("images", "xml")(tmp_path)
    write(tmp_path / "xml/a2.xml", voc_xml(TRAIN[0]).replace("a.png", "c.png"))
    dataset = open_dataset(tmp_path, whole=True)
    assert boxes_of(dataset) == truth([*TRAIN, *VAL])
    assert [problem.reason for problem in dataset.problems] == [
        f"no picture 'a2' in {tmp_path}, and c.png has an annotation of its own"
    ]


@pytest.mark.parametrize("named", ["photo.PNG", "PHOTO.png", "photo", "photo.jpg"])
def test_filename_may_differ_in_case_and_suffix(named: str, tmp_path: Path) -> None:
    voc_in("images", "xml")(tmp_path)
    (tmp_path / "images/a.png").rename(tmp_path / "images/photo.png")
    write(tmp_path / "xml/a.xml", voc_xml(TRAIN[0]).replace("a.png", named))
    dataset = open_dataset(tmp_path, whole=True)
    assert (len(dataset), dataset.problems) == (5, [])


@pytest.mark.parametrize("export", ["Ultralytics", "Roboflow YOLO", "VOC", "Roboflow COCO"])
def test_what_macos_and_cameras_leave_is_counted(export: str, tmp_path: Path) -> None:
    EXPORTS[export](tmp_path)
    folder = next(tmp_path.rglob("a.png")).parent
    for name in ("._a.png", "._b.png", "IMG_1.HEIC", ".DS_Store"):
        write(folder / name, "x")
    dataset = open_dataset(tmp_path, "train")
    assert boxes_of(dataset) == truth(TRAIN)
    assert "2 macOS resource fork(s) (files named ._*) are left out" in dataset.notes
    assert "files that cannot be read as pictures are left out: 1 .heic" in dataset.notes


def test_two_data_sets_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    labels_in("images/{split}", "labels/{split}")(tmp_path / "first")
    voc_in("images/{split}", "xml/{split}")(tmp_path / "second")
    with pytest.raises(DataError, match=r"holds several data sets \(first, second\); name the folder of one"):
        open_dataset(tmp_path)
    roboflow_yolo(tmp_path / "first")
    roboflow_yolo(tmp_path / "second")
    with pytest.raises(DataError, match=r"several data sets \(first/data.yaml, second/data.yaml\)"):
        open_dataset(tmp_path)


def test_lists_of_classes_that_differ_are_not_mixed(tmp_path: Path) -> None:
    for name, names in (("A", ["cat", "dog", "owl"]), ("B", ["dog", "cat", "owl"])):
        pictures(tmp_path / name / "images", [Picture(f"{name}.png", 16, 16)])
        write(tmp_path / name / f"labels/{name}.txt", "0 0.5 0.5 0.5 0.5\n")
        write(tmp_path / name / "classes.txt", "\n".join(names))
    with pytest.raises(
        DataError, match=r"several lists of classes that differ \(A/classes.txt, B/classes.txt\)"
    ):
        open_dataset(tmp_path)


def test_two_jsons_for_one_split_are_not_mixed(tmp_path: Path) -> None:
    coco_in("task_1/{split}", "task_1/annotations/instances_default.json")(tmp_path)
    coco_in("task_2/{split}", "task_2/annotations/instances_default.json")(tmp_path)
    with pytest.raises(DataError, match=r"several COCO files for the split 'default' \(.*task_1.*, .*task_2"):
        open_dataset(tmp_path)


def test_other_annotations_are_said_to_be_unused(tmp_path: Path) -> None:
    labels_in("images/{split}", "labels/{split}")(tmp_path)
    xmls(tmp_path / "xml", TRAIN[:1])
    assert any(
        note.startswith("1 label file(s) of another layout are not used")
        for note in open_dataset(tmp_path).notes
    )
    roboflow_yolo(tmp_path)
    assert (
        "1 xml file(s) of the folder are not used: the data file says what is" in open_dataset(tmp_path).notes
    )


def test_split_folders_may_differ_in_case_and_word(tmp_path: Path) -> None:
    for split, labelled in (("train", "Train"), ("val", "valid")):
        pictures(tmp_path / "Images" / split, SPLITS[split])
        rows(tmp_path / "LABELS" / labelled, SPLITS[split])
    write(tmp_path / "classes.txt", NAMES)
    for split, these in SPLITS.items():
        assert boxes_of(open_dataset(tmp_path, split)) == truth(these)


def test_a_picture_may_be_called_test(tmp_path: Path) -> None:
    these = [
        Picture(f"{name}.png", 16, 16, (Box("cat", 4, 4, 8, 8),)) for name in ("test", "classes", "notes")
    ]
    pictures(tmp_path / "images", these)
    rows(tmp_path / "labels", these)
    write(tmp_path / "data.yaml", "train: images\nnames: [cat]\n")
    assert boxes_of(open_dataset(tmp_path, whole=True)) == truth(these)
    assert open_dataset(tmp_path, whole=True).problems == []


def test_a_data_file_whose_training_pictures_are_not_there(tmp_path: Path) -> None:
    roboflow_yolo(tmp_path)
    shutil.rmtree(tmp_path / "train")
    with pytest.raises(DataError, match=r"train: no such file or folder: ../train/images"):
        open_dataset(tmp_path, "train")
    assert boxes_of(open_dataset(tmp_path, "val")) == truth(VAL)


def test_xml_in_other_spellings(tmp_path: Path) -> None:
    picture = Picture("a.png", 64, 64, (Box("cat", 8, 8, 24, 24),))
    paint(tmp_path / "a.png", 64, 64)
    plain = voc_xml(picture)
    second = "<bndbox><xmin>32</xmin><ymin>32</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object>"
    for text, count in (
        (plain.replace("<annotation>", '<annotation xmlns="http://some.org/voc">'), 1),
        (plain.replace("object>", "Object>").replace("bndbox>", "BndBox>"), 1),
        (plain.replace("<object>", "<objects><object>").replace("</object>", "</object></objects>"), 1),
        (plain.replace("</object>", second), 2),
        (plain.replace("<width>64</width>", "<width>64.0</width>"), 1),
    ):
        write(tmp_path / "a.xml", text)
        dataset = open_dataset(tmp_path)
        assert len(dataset.records[0].labels) == count
        assert dataset.problems == []
    for yes, ignored in (("Yes", True), ("true", True), ("1", True), ("0", False), ("Unspecified", False)):
        write(tmp_path / "a.xml", plain.replace("<difficult>0<", f"<difficult>{yes}<"))
        assert open_dataset(tmp_path).records[0].ignore.tolist() == [ignored]
    write(tmp_path / "a.xml", plain.replace("<width>64</width>", "<width>128.0</width>"))
    with pytest.raises(DataError, match="labelled as 128x64"):
        open_dataset(tmp_path)
    paint(tmp_path / "b.png", 64, 64)
    write(tmp_path / "b.xml", "<html><body/></html>")
    write(
        tmp_path / "a.xml",
        plain.replace("</object>", "<deleted>1</deleted></object>" + "<object><name>cat</name></object>"),
    )
    dataset = open_dataset(tmp_path, whole=True)
    assert "1 object(s) are marked as deleted and left out" in dataset.notes
    assert [problem.reason for problem in dataset.problems] == [
        "no xmin in its bndbox",
        "expected an <annotation>; got <html>",
    ]


def test_names_stay_as_they_are_written(tmp_path: Path) -> None:
    these = (Picture("a.png", 16, 16, (Box("cat", 4, 4, 8, 8),)),) * 1
    pictures(tmp_path / "images", these)
    rows(tmp_path / "labels", these)
    names = ("yes", "no", "on", "1e3", "012", "null", "2020-01-01", "1_000", "0x1F", "~")
    for text in (f"[{', '.join(names)}]", "\n" + "\n".join(f"  {i}: {name}" for i, name in enumerate(names))):
        write(tmp_path / "data.yaml", f"train: images\nnames: {text}\n")
        assert open_dataset(tmp_path).class_names == names


ENCODINGS = {
    "gb2312": ("猫", "狗狗", "猫头鹰类"),
    "gb18030": ("猫", "狗狗", "猫头鹰类"),
    "big5": ("貓", "狗", "貓頭鷹"),
    "utf-16": ("貓", "chien", "貓頭鷹"),
    "utf-16-le": ("cat", "dog", "owl"),
    "utf-8-sig": ("貓", "chien", "貓頭鷹"),
    "cp1252": ("chat", "chien", "Fenêtre"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_of_label_files(encoding: str, tmp_path: Path) -> None:
    names = ENCODINGS[encoding]
    renamed = [
        Picture(p.name, p.height, p.width, [Box(names[CLASSES.index(b.label)], *edges(b)) for b in p.boxes])
        for p in TRAIN
    ]
    for root, declared in ((tmp_path / "voc", False), (tmp_path / "declared", True)):
        pictures(root / "images", renamed)
        for picture in renamed:
            head = (
                f'<?xml version="1.0" encoding="{encoding}"?>\n' if declared and "utf" not in encoding else ""
            )
            text = (head + voc_xml(picture)).encode(encoding)
            path = root / f"xml/{Path(picture.name).stem}.xml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        dataset = open_dataset(root, "train", whole=True)
        assert boxes_of(dataset) == truth(renamed)
        assert dataset.problems == []
    yolo = tmp_path / "yolo"
    pictures(yolo, TRAIN)
    for picture in TRAIN:
        text = "".join(yolo_row(box, picture) for box in picture.boxes)
        (yolo / f"{Path(picture.name).stem}.txt").write_bytes(text.encode(encoding))
    (yolo / "classes.txt").write_bytes("\r\n".join(names).encode(encoding))
    assert boxes_of(open_dataset(yolo, "train", whole=True)) == truth(renamed)


def edges(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


LOOKALIKES = {
    "labels.csv": (
        "filename,xmin,ymin,xmax,ymax,class\na.png,1,2,3,4,cat\n",
        "labels.csv looks like a csv table",
    ),
    "a.json": ('{"version": "5.0", "shapes": [], "imagePath": "a.png"}', "a.json looks like LabelMe's json"),
    "annotations.xml": (
        '<?xml version="1.0"?>\n<annotations><image id="0" name="a.png"/></annotations>',
        "annotations.xml looks like CVAT's own xml",
    ),
    "labels/a.txt": (
        "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n",
        "a.txt looks like KITTI's labels",
    ),
    "labelTxt/a.txt": (
        "imagesource:Google\ngsd:0.1\n1 2 3 2 3 4 1 4 plane 0\n",
        "a.txt looks like DOTA's labels",
    ),
}


@pytest.mark.parametrize("file", LOOKALIKES)
def test_other_formats_are_named(file: str, tmp_path: Path) -> None:
    paint(tmp_path / "images/a.png", 64, 64)
    text, expected = LOOKALIKES[file]
    write(tmp_path / file, text)
    with pytest.raises(DataError, match="not recognised as a data set") as error:
        open_dataset(tmp_path)
    assert expected in str(error.value)
    assert "export it as COCO, YOLO or VOC" in str(error.value)
    assert "1 .png" in str(error.value)
