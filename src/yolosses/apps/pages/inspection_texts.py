"""The words of an inspection, in the terminal and on the page, English and Traditional Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from yolosses.language import Language


@dataclass(frozen=True, kw_only=True)
class Texts:
    """``{...}`` are filled in where they are used."""

    comma: str
    title: str
    summary: str
    unlearnable: str
    sound: str
    sound_note: str
    suspected: str
    of_pictures: str
    of_boxes: str
    note: str
    label_folder: str
    and_more: str

    tiles: dict[str, str]
    suspicions: str
    suspicions_note: str
    as_written: str
    as_meant: str
    examples: str
    files: str

    objects: str
    objects_note: str
    per_picture: str
    pictures: str
    objects_per_picture: str
    class_: str
    count: str
    share: str
    never_used: str
    histogram_alt: str

    sizes: str
    sizes_note: str
    size: str
    width: str
    height: str
    cell: str
    side_axis: str
    sizes_alt: str
    pixel_sizes: dict[str, str]
    below_a_cell: str

    grid: str
    grid_note: str
    lost: str
    lost_share: str
    pictures_with_loss: str
    most_in_a_cell: str
    lost_classes: str
    nothing_lost: str
    occupancy: str
    occupancy_alt: str

    balance: str
    balance_note: str
    boxes: str
    positive: str
    positive_share: str
    background_per_positive: str
    weighted_ratio: str
    balancing: str

    zero: str
    zero_note: str
    total: str
    parts: str

    broken: str
    broken_note: str
    no_broken: str
    kinds: dict[str, str]
    actions: dict[str, str]
    kind: str
    place: str
    reason: str
    done: str

    odd: str
    odd_note: str
    no_odd: str
    odd_kinds: dict[str, str]

    duplicates: str
    duplicates_note: str
    no_duplicates: str
    same: dict[str, str]
    across_splits: str
    one_split: str
    labels_agree: str
    labels_differ: str

    alike_classes: str
    turned: str
    turned_note: str

    unlabelled: str
    unlabelled_note: str
    empty: str
    all_labelled: str
    unreadable: str
    looked_at: str
    written: str


_TEXTS: dict[Language, Texts] = {
    "en": Texts(
        comma=", ",
        title="Inspection of {data} ({splits})",
        summary="{pictures} pictures, {objects} objects, {classes} classes",
        unlearnable="Too little to learn from: {objects:,} objects, and {rows:,} rows that cannot be used.",
        sound="No fault suspected that many labels would share.",
        sound_note="Looked for: x and y, centre or size swapped, corners given as centre and size and the reverse, "
        "pixels given as fractions and the reverse, class numbers off by one.",
        suspected="Suspected: {fault}",
        of_pictures="in the labels of {count} of {of} pictures",
        of_boxes="of {boxes} single boxes in {count} pictures",
        note="note",
        label_folder="Label files are named as seen from {folder}.",
        and_more="and {count} more",
        tiles={
            "pictures": "pictures",
            "objects": "objects",
            "classes": "classes used",
            "median": "objects in a picture (median; most {most})",
            "lost": "objects lost at S = {grid} ({share})",
            "broken": "broken annotations",
            "odd": "odd boxes",
            "duplicates": "groups of equal or nearly equal pictures",
            "unlabelled": "pictures without label file",
        },
        suspicions="Suspected faults",
        suspicions_note="Many labels seem to be written in another way than they are read. Look at the examples before "
        "correcting anything: they show both readings.",
        as_written="as written",
        as_meant="as suspected",
        examples="Examples",
        files="Label files ({count})",
        objects="Objects",
        objects_note="A class that is rare, or gathered in a few pictures, is learnt badly whatever the loss.",
        per_picture="objects in a picture",
        pictures="pictures",
        objects_per_picture="Objects in a picture: {least} to {most}, median {median}.",
        class_="class",
        count="objects",
        share="share",
        never_used="Never used: {names}.",
        histogram_alt="Histogram: how many pictures have how many objects",
        sizes="Sizes against the cell",
        sizes_note="A YOLOv1 box is measured in the picture, its centre in its cell. Where most objects are smaller "
        "than a cell, several may share one, and only the first is learnt: a finer grid or larger pictures help.",
        size="sizes",
        width="width",
        height="height",
        cell="cell, S = {grid}",
        side_axis="side of the object, share of the picture's (logarithmic)",
        sizes_alt="Histogram of the widths and heights of the objects, with the sides of the cells of each grid",
        pixel_sizes={
            "small": "small (area below 32² pixels)",
            "medium": "medium (below 96²)",
            "large": "large",
        },
        below_a_cell="smaller than a cell",
        grid="One object a cell",
        grid_note="The cell that holds an object's centre is responsible for it, but only for the first. The "
        "others are lost, no box is trained on them.",
        lost="lost",
        lost_share="share lost",
        pictures_with_loss="in pictures",
        most_in_a_cell="most in a cell",
        lost_classes="lost most",
        nothing_lost="none",
        occupancy="S = {grid}: centres in each cell",
        occupancy_alt="How many objects have their centre in each cell, S = {grid}",
        balance="Boxes that speak, boxes that keep silent",
        balance_note="Of the S × S × B predicted boxes of a picture only one for each object that is not lost should "
        "be confident (term 3-1); all others should say 0 (term 3-2). Unweighted, the many would drown the few: "
        "lambda_noobj (0.5 in the paper) makes them lighter. In the last column both sides weigh the same.",
        boxes="predicted boxes",
        positive="positive",
        positive_share="share positive",
        background_per_positive="empty for each positive",
        weighted_ratio="× lambda_noobj 0.5",
        balancing="lambda_noobj of equal weight",
        zero="Loss of an output of zeros",
        zero_note="A detector that says 0 everywhere, mean over the pictures: where the loss starts. Its boxes have no "
        "area, so every IoU, which is the target of the confidence, is 0: both confidence terms are 0.",
        total="total",
        parts="terms, weighted",
        broken="Broken annotations",
        broken_note="What the reader had to leave out or to cut, each with file and place.",
        no_broken="None.",
        kinds={
            "class": "unknown class",
            "number": "not a number",
            "area": "no area",
            "repeat": "repeated",
            "outside": "outside the picture",
            "leaves": "leaves the picture",
            "row": "cannot be read",
            "file": "file cannot be used",
            "picture": "picture cannot be read",
            "other class": "class that is not wanted",
        },
        actions={"skipped": "skipped", "clipped": "clipped"},
        kind="kind",
        place="file and place",
        reason="reason",
        done="what was done",
        odd="Odd boxes",
        odd_note="Usable, and learnt as they are; worth a look.",
        no_odd="None.",
        odd_kinds={
            "tiny": "tiny",
            "sliver": "sliver",
            "whole": "whole picture",
            "size": "unusual size",
            "twin": "twice the same",
            "two classes": "two classes",
        },
        duplicates="Equal and nearly equal pictures",
        duplicates_note="A picture in training and in evaluation makes the scores look better than they are, also if "
        "it was written again, resized or made a little brighter; one that is labelled in two ways teaches both. "
        "Nearly equal pictures are looked for between splits only.",
        no_duplicates="None.",
        same={"file": "the same file", "pixels": "the same pixels", "near": "nearly the same"},
        across_splits="in different splits",
        one_split="in one split",
        labels_agree="labels agree",
        labels_differ="labels differ",
        alike_classes="Class names that differ in case or spacing only: {names}. They count as different classes.",
        turned="Pictures that their EXIF orientation turns: {count}",
        turned_note="They are read upright. If the tool that made their labels did not heed EXIF, the labels speak of "
        "the picture before it is turned.",
        unlabelled="Pictures without objects",
        unlabelled_note="A picture without label file counts as one without objects: all its boxes are taught to "
        "say 0.",
        empty="label file without objects: {count}",
        all_labelled="Every picture has a label file with objects.",
        unreadable="cannot be decoded",
        looked_at="{count} of {of} pictures were decoded, evenly over the data set, for equal pixels and for what lies "
        "under the boxes' borders.",
        written="{page} and {values} are in {out}",
    ),
    "zh-TW": Texts(
        comma="，",
        title="資料集檢查：{data}（{splits}）",
        summary="{pictures} 張影像、{objects} 個物件、{classes} 個類別",
        unlearnable="可供學習的內容太少：{objects:,} 個物件，另有 {rows:,} 列無法使用。",
        sound="沒有發現大量標註共有的錯誤。",
        sound_note="檢查過：x 與 y、中心或大小對調，角點與中心大小兩種寫法混淆，像素與比例混淆，類別編號差一。",
        suspected="懷疑：{fault}",
        of_pictures="（{of} 張影像中 {count} 張的標註）",
        of_boxes="（{count} 張影像裡的 {boxes} 個框）",
        note="注意",
        label_folder="標註檔的路徑都從 {folder} 算起。",
        and_more="還有 {count} 項",
        tiles={
            "pictures": "張影像",
            "objects": "個物件",
            "classes": "個用到的類別",
            "median": "個物件（每張影像的中位數；最多 {most}）",
            "lost": "個物件在 S = {grid} 時遺失（{share}）",
            "broken": "處損壞的標註",
            "odd": "個異常的框",
            "duplicates": "組相同或幾乎相同的影像",
            "unlabelled": "張影像沒有標註檔",
        },
        suspicions="可疑的錯誤",
        suspicions_note="許多標註的寫法似乎與讀法不同。更正之前請先看例子：兩種解讀都畫出來了。",
        as_written="照現在的寫法",
        as_meant="照懷疑的寫法",
        examples="例子",
        files="標註檔（{count} 個）",
        objects="物件",
        objects_note="若某個類別很少，或集中在少數影像，無論用什麼損失都學不好。",
        per_picture="每張影像的物件數",
        pictures="影像數",
        objects_per_picture="每張影像有 {least} 到 {most} 個物件，中位數 {median}。",
        class_="類別",
        count="物件數",
        share="比例",
        never_used="從未用到：{names}。",
        histogram_alt="直方圖：有多少張影像各有多少個物件",
        sizes="物件大小與格子",
        sizes_note="YOLOv1 的框以整張影像為單位，中心則以格子為單位。若多數物件比格子小，幾個物件可能落在同一格，"
        "而只有第一個會被學到：可用更細的格子或更大的影像。",
        size="大小",
        width="寬度",
        height="高度",
        cell="格子，S = {grid}",
        side_axis="物件邊長占影像邊長的比例（對數）",
        sizes_alt="物件寬度與高度的直方圖，並標出各種 S 的格子邊長",
        pixel_sizes={
            "small": "小（面積小於 32² 像素）",
            "medium": "中（小於 96²）",
            "large": "大",
        },
        below_a_cell="比格子小",
        grid="一個格子一個物件",
        grid_note="物件中心所在的格子負責該物件，但一個格子只負責一個：第一個。其餘的會遺失，沒有框學習它們。",
        lost="遺失",
        lost_share="遺失比例",
        pictures_with_loss="影像數",
        most_in_a_cell="同格最多",
        lost_classes="遺失最多的類別",
        nothing_lost="無",
        occupancy="S = {grid}：各格的物件中心數",
        occupancy_alt="各格子有多少物件中心，S = {grid}",
        balance="該出聲的框與該沉默的框",
        balance_note="每張影像有 S × S × B 個預測框，其中每個未遺失的物件只有一個框該有信心度（項 3-1），"
        "其餘都該是 0（項 3-2）。若不加權，少數會被多數淹沒：lambda_noobj（論文用 0.5）把多數變輕。"
        "最後一欄是兩邊一樣重的值。",
        boxes="預測框",
        positive="正樣本",
        positive_share="正樣本比例",
        background_per_positive="每個正樣本對應的空框",
        weighted_ratio="× lambda_noobj 0.5",
        balancing="兩邊等重的 lambda_noobj",
        zero="輸出全為 0 時的損失",
        zero_note="處處輸出 0 的偵測器，取影像平均：損失的起點。它的框沒有面積，所以 IoU（信心度的目標）都是 0，"
        "兩個信心度項也就是 0。",
        total="總和",
        parts="加權後的各項",
        broken="損壞的標註",
        broken_note="讀取時必須略過或裁切的標註，附檔案與位置。",
        no_broken="無。",
        kinds={
            "class": "沒有這個類別",
            "number": "不是數字",
            "area": "沒有面積",
            "repeat": "重複",
            "outside": "在影像之外",
            "leaves": "超出影像",
            "row": "無法解讀",
            "file": "檔案無法使用",
            "picture": "影像無法讀取",
            "other class": "不需要的類別",
        },
        actions={"skipped": "略過", "clipped": "裁切"},
        kind="種類",
        place="檔案與位置",
        reason="原因",
        done="處理方式",
        odd="異常的框",
        odd_note="可以使用，也會照樣學習；值得看一眼。",
        no_odd="無。",
        odd_kinds={
            "tiny": "太小",
            "sliver": "細長",
            "whole": "整張影像",
            "size": "大小不尋常",
            "twin": "標了兩次",
            "two classes": "兩個類別",
        },
        duplicates="相同與幾乎相同的影像",
        duplicates_note="同一張影像若同時用來訓練與評估，分數會虛高，重新存檔、縮放或稍微調亮過的也一樣；"
        "若有兩種標註，兩種都會被學到。幾乎相同的影像只在不同子集之間尋找。",
        no_duplicates="無。",
        same={"file": "檔案相同", "pixels": "像素相同", "near": "幾乎相同"},
        across_splits="在不同的子集",
        one_split="在同一個子集",
        labels_agree="標註一致",
        labels_differ="標註不同",
        alike_classes="只有大小寫或空格不同的類別名稱：{names}。它們會被當成不同的類別。",
        turned="依 EXIF 方向旋轉的影像：{count} 張",
        turned_note="這些影像會先轉正再讀取。若標註工具沒有理會 EXIF，標註說的就是轉正之前的影像。",
        unlabelled="沒有物件的影像",
        unlabelled_note="沒有標註檔的影像視為沒有物件：它所有的框都被教成 0。",
        empty="標註檔裡沒有物件：{count}",
        all_labelled="每張影像都有標註檔，也都有物件。",
        unreadable="無法解碼",
        looked_at="在 {of} 張影像中平均取 {count} 張解碼，以找出相同的像素並檢查框邊上的影像。",
        written="{page} 與 {values} 在 {out}",
    ),
}


def texts(language: Language) -> Texts:
    """The words in a language."""
    return _TEXTS[language]
