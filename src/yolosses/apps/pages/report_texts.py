"""The words of the report, English and Traditional Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from yolosses.language import Language


@dataclass(frozen=True, kw_only=True)
class Texts:
    """``{...}`` are filled in where they are used; <b> marks what a reader in a hurry reads."""

    comma: str
    title: str
    verdict: str
    worst: str
    no_loss: str
    facts: str
    iou_fact: str
    run_fact: str

    term: str
    meaning: str
    bars: str
    unweighted: str
    weight: str
    weighted: str
    share: str
    total: str
    bars_note: str
    meanings: dict[str, str]
    dominating: dict[str, str]

    worst_pictures: str
    times_mean: str
    mean: str
    loss: str

    history: str
    history_note: str
    history_alt: str
    step: str
    no_history: str

    groups: str
    groups_note: str
    by_class: str
    by_pixels: str
    by_relative_size: str
    group: str
    class_name: str
    objects: str
    per_object: str
    terms_of: str
    mean_iou: str
    background: str
    pixel_sizes: dict[str, str]
    relative_sizes: dict[str, str]

    gallery: str
    gallery_note: str
    legend: dict[str, str]
    rank: str
    counted: str
    dropped_count: str
    ignored_count: str
    hidden_count: str
    picture_alt: str

    boxes: str
    boxes_note: str
    object_of: str
    box_alt: str

    in_detail: str
    maps: str
    maps_note: str
    all_terms: str
    map_title: str
    level_title: str
    worst_cell: str
    empty_map: str
    pull: str
    pull_note: str

    errors: str
    errors_note: str
    no_errors: str
    kinds: dict[str, str]
    label_at: str
    prediction_at: str
    edges: str
    doubt: str
    error_alt: str
    labelled: str
    predicted: str

    left_out: str
    left_out_note: str
    what: str
    evaluated: str
    trained: str
    answered: str
    dropped: str
    ignored: str
    hidden: str
    broken: str
    more: str
    none: str

    picture_title: str
    one_in_detail: str
    play: str
    play_note: str
    picture_verdict: str
    every_object: str
    every_object_note: str
    sentence: str

    picture: str
    truth: str


_ENGLISH = Texts(
    comma=", ",
    title="{data}, {split}: where the loss comes from",
    verdict="<b><code>{term}</code></b> ({label}) makes <b>{share}</b> of the loss of {loss}.",
    worst="The worst picture is <b>{name}</b>: {loss}, {times} times the mean.",
    no_loss="The loss is 0: there is nothing to explain.",
    facts="{pictures} pictures, {objects} objects",
    iou_fact="mean IoU of the responsible boxes {iou}",
    run_fact="run {run}, loss {loss}, version {version}",
    term="term",
    meaning="what it punishes",
    bars="weighted (filled), unweighted (dashed)",
    unweighted="unweighted",
    weight="λ",
    weighted="weighted",
    share="share",
    total="total",
    bars_note="Means over the pictures. The filled bar is what the optimiser sees: the dashed one, before its weight "
    "λ, times λ.",
    meanings={
        "xy": "centres in the wrong place",
        "wh": "wrong widths and heights",
        "obj": "too sure, or not sure enough",
        "noobj": "not 0 where there is no object",
        "cls": "wrong class, or unsure of the right one",
        "objectness": "not sure where an object is, or sure where none is",
        "box": "boxes that do not cover their object",
        "dfl": "sides unsure of their distance, or sure of a wrong one",
        "l1": "sides in the wrong place",
        "prior": "boxes that differ from their anchors, at the beginning only",
    },
    dominating={
        "xy": "The boxes that are responsible for objects are centred in the wrong place.",
        "wh": "The boxes that are responsible for objects have the wrong size.",
        "obj": "The boxes that are responsible for objects are too sure, or not sure enough.",
        "noobj": "Boxes that are responsible for nothing claim that something is there.",
        "cls": "Objects are taken for the wrong class, or the right one is not sure enough.",
        "objectness": "The confidence is too low where an object is, or too high where none is.",
        "box": "The boxes that are responsible for objects do not cover them well.",
        "dfl": "The sides of the boxes are spread over several distances, or sure of a wrong one.",
        "l1": "The sides of the boxes that are responsible for objects are in the wrong place.",
        "prior": "Boxes without an object differ from their anchors; this term is only there at the beginning.",
    },
    worst_pictures="Worst pictures",
    times_mean="{times} × the mean",
    mean="mean",
    loss="loss",
    history="The shares during training",
    history_note="Share of each term in the training loss, from the log of the run ({steps} steps): the total went "
    "from {first} to {last}. In training the pictures are others and vary at random, so the right "
    "edge need not equal the shares above.",
    history_alt="Shares of the terms in the training loss from the first step to the last; at the end {shares}",
    step="optimiser step",
    no_history="The run has no log, or one with fewer than two steps.",
    groups="The loss by class and by size",
    groups_note="The bars are shares of the loss above, with the terms in its order. Background is the loss of the "
    "predicted boxes that are responsible for no object.",
    by_class="By class",
    by_pixels="By size in pixels of the stored picture (COCO's limits)",
    by_relative_size="By size against the picture (root of the area)",
    group="group",
    class_name="class",
    objects="objects",
    per_object="loss an object",
    terms_of="share of the loss, by term",
    mean_iou="mean IoU",
    background="background",
    pixel_sizes={
        "small": "small: below 32² pixels",
        "medium": "medium: 32² to 96²",
        "large": "large: 96² and more",
    },
    relative_sizes={
        "small": "small: below 10 % of the side",
        "medium": "medium: 10 to 30 %",
        "large": "large: 30 % and more",
    },
    gallery="The pictures with the largest loss",
    gallery_note="Numbers in the picture are those of the sentences below it: what costs most in this picture, with "
    "what it costs. Cells are (row, column), counted from 0.",
    legend={
        "truth": "truth",
        "answer": "predicted box that is responsible for it",
        "other": "predicted box that is responsible for nothing",
    },
    rank="{rank}. {name}",
    counted="{count} objects",
    dropped_count="{count} dropped",
    ignored_count="{count} ignored",
    hidden_count="{count} hidden",
    picture_alt="{name} with its true boxes, and the predicted boxes of its {count} largest losses",
    boxes="The objects with the largest loss",
    boxes_note="One object each, wherever it is: the picture around it, its true box and its predicted box.",
    object_of="{name}, object {number}",
    box_alt="{class_name} in {name}, its true box and the predicted one",
    in_detail="The worst picture in detail: {name}",
    maps="Where each term comes from",
    maps_note="Each cell is the darker, the more of the term comes from it, on a scale of its own in each map; "
    "the cell with the most is framed. Cells are (row, column), counted from 0. Thin lines are the objects of the "
    "truth.",
    all_terms="all terms",
    level_title="{level}, {rows} × {cols} cells: {value} ({share})",
    map_title="{term}: {value} ({share})",
    worst_cell="most in cell ({row},{col}): {value}",
    empty_map="no cell adds to it",
    pull="Where the loss pulls the predicted boxes",
    pull_note="Blue arrows: where their centres should go. Orange arrows at the edges: outwards where they "
    "should grow, inwards where they should shrink. Triangles: up where the confidence should rise, down where it "
    "should fall (those with less than 5 % of the largest pull are left out). Longer and larger is stronger, in "
    "proportion within each kind; the strongest change the loss by {centre} for a move by the whole picture, by "
    "{size} for a change of size by the whole picture, and by {confidence} for a change of the confidence by 1.",
    errors="Likely label errors",
    errors_note="Labels that the detector contradicts, most doubtful first. The detector is believed as far as its "
    "other predictions on these pictures agree with the labels. These are places to look at: it may be the detector "
    "that is wrong. Edges are left, top, right, bottom in pixels.",
    no_errors="The detector contradicts no label with enough certainty.",
    kinds={
        "class": "another class?",
        "moved": "misplaced, or one missing?",
        "missing": "label missing?",
        "unseen": "nothing there?",
    },
    label_at="label: {where}",
    prediction_at="predicted: {where}",
    edges="{left}, {top}, {right}, {bottom}",
    doubt="doubt {score}",
    error_alt="{name}: label and prediction that contradict each other",
    labelled="labelled {name}",
    predicted="predicted {name} {score}",
    left_out="What took no part",
    left_out_note="Dropped: in YOLOv1 a cell can have one object, and another object has its centre in the same "
    "cell. Ignored: the labels mark a crowd or a difficult object. Hidden: too little of the object is left in "
    "the network's input; in training the random crops do that.",
    what="objects",
    evaluated="in this split",
    trained="seen in training",
    answered="assigned",
    dropped="dropped",
    ignored="ignored",
    hidden="hidden",
    broken="Broken annotations of this split: {summary}.",
    more="and {count} more",
    none="none",
    picture_title="{name} ({data}, {split}): where its loss comes from",
    one_in_detail="In detail",
    play="Open in the playground",
    play_note="while <code>yolosses play</code> runs on this computer",
    picture_verdict="<b><code>{term}</code></b> ({label}) makes <b>{share}</b> of the loss of {loss} of this picture.",
    every_object="Every object, and the loudest of the other boxes",
    every_object_note="Largest loss first. Cells are (row, column), counted from 0.",
    sentence="what happens there",
    picture="picture",
    truth="object",
)

_CHINESE = Texts(
    comma="，",
    title="{data}（{split}）：損失從哪裡來",
    verdict="<b><code>{term}</code></b>（{label}）佔損失 {loss} 的 <b>{share}</b>。",
    worst="損失最大的影像是 <b>{name}</b>：{loss}，是平均的 {times} 倍。",
    no_loss="損失是 0，沒有需要說明的。",
    facts="{pictures} 張影像，{objects} 個物件",
    iou_fact="負責物件的預測框平均 IoU {iou}",
    run_fact="訓練結果 {run}，損失函數 {loss}，版本 {version}",
    term="項",
    meaning="懲罰什麼",
    bars="加權後（實心）與加權前（虛線）",
    unweighted="加權前",
    weight="λ",
    weighted="加權後",
    share="比例",
    total="總和",
    bars_note="都是每張影像的平均。實心長條是最佳化器看到的值：虛線長條（乘上權重 λ 之前）乘以 λ。",
    meanings={
        "xy": "中心點偏了",
        "wh": "寬與高不對",
        "obj": "太有把握，或把握不夠",
        "noobj": "不負責物件卻不是 0",
        "cls": "類別錯誤或沒把握",
        "objectness": "有物件時把握不夠，或沒有物件卻很有把握",
        "box": "預測框沒有蓋好物件",
        "dfl": "四邊的距離沒把握，或很有把握卻錯了",
        "l1": "四邊的位置不對",
        "prior": "預測框與錨框不同，只在訓練初期計算",
    },
    dominating={
        "xy": "負責物件的預測框，中心點的位置不對。",
        "wh": "負責物件的預測框，大小不對。",
        "obj": "負責物件的預測框，太有把握或把握不夠。",
        "noobj": "不負責物件的預測框，卻說那裡有東西。",
        "cls": "物件被認成別的類別，或對正確的類別沒有把握。",
        "objectness": "有物件的地方信心度太低，或沒有物件的地方太高。",
        "box": "負責物件的預測框，沒有把物件蓋好。",
        "dfl": "預測框四邊的距離分散在好幾個值，或很有把握卻錯了。",
        "l1": "負責物件的預測框，四邊的位置不對。",
        "prior": "不負責物件的預測框與錨框不同；這一項只在訓練初期出現。",
    },
    worst_pictures="損失最大的影像",
    times_mean="平均的 {times} 倍",
    mean="平均",
    loss="損失",
    history="訓練過程中各項的比例",
    history_note="各項在訓練損失中的比例，取自訓練紀錄（{steps} 步）：總損失從 {first} 變成 {last}。"
    "訓練時影像會隨機變化，被捨棄的是訓練資料的物件，所以最右邊不一定等於上面的比例。",
    history_alt="從第一步到最後一步，各項在訓練損失中的比例；最後是 {shares}",
    step="最佳化步數",
    no_history="沒有訓練紀錄，或紀錄不到兩步。",
    groups="依類別與大小看損失",
    groups_note="長條是佔上面總損失的比例，各項依損失中的順序排列。背景是不負責任何物件的預測框造成的損失。",
    by_class="依類別",
    by_pixels="依原始影像中的像素大小（COCO 的界線）",
    by_relative_size="依相對於影像的大小（面積的平方根）",
    group="組別",
    class_name="類別",
    objects="物件數",
    per_object="每個物件的損失",
    terms_of="佔損失的比例，依各項",
    mean_iou="平均 IoU",
    background="背景",
    pixel_sizes={
        "small": "小：不到 32² 像素",
        "medium": "中：32² 到 96²",
        "large": "大：96² 以上",
    },
    relative_sizes={
        "small": "小：不到邊長的 10 %",
        "medium": "中：10 到 30 %",
        "large": "大：30 % 以上",
    },
    gallery="損失最大的影像",
    gallery_note="影像中的數字對應下面的句子：這張影像裡損失最大的地方，以及各佔多少損失。"
    "格子為（列, 行），從 0 起算。",
    legend={
        "truth": "真實框",
        "answer": "負責它的預測框",
        "other": "不負責任何物件的預測框",
    },
    rank="{rank}. {name}",
    counted="{count} 個物件",
    dropped_count="{count} 個被捨棄",
    ignored_count="{count} 個忽略",
    hidden_count="{count} 個被遮去",
    picture_alt="{name} 與它的真實框，以及損失最大的 {count} 處的預測框",
    boxes="損失最大的物件",
    boxes_note="一列一個物件，不論在哪張影像：物件周圍的影像、真實框與負責它的預測框。",
    object_of="{name}，第 {number} 個物件",
    box_alt="{name} 中的 {class_name}，真實框與預測框",
    in_detail="損失最大的影像，逐項來看：{name}",
    maps="各項損失來自影像的哪裡",
    maps_note="格子越深，來自那裡的損失越多；每張圖有自己的色階，最多的格子加了框。格子為（列, 行），從 0 起算。"
    "細線是真實框。",
    all_terms="全部的項",
    level_title="{level}，{rows} × {cols} 個格子：{value}（{share}）",
    map_title="{term}：{value}（{share}）",
    worst_cell="最多的格子 ({row},{col})：{value}",
    empty_map="沒有格子貢獻這一項",
    pull="損失把預測框拉向哪裡",
    pull_note="藍色箭頭：中心點應該往哪裡移。邊上的橘色箭頭：向外是應該變大，向內是應該變小。三角形：向上是信心度"
    "應該提高，向下是應該降低（不到最大拉力 5 % 的沒有畫出）。越長、越大表示越強，同一種記號之間成比例；最強的拉力"
    "，中心點移動一整個影像的寬或高會改變損失 {centre}，寬或高改變一整個影像會改變 {size}，信心度改變 1 會改變 "
    "{confidence}。",
    errors="可能的標註錯誤",
    errors_note="偵測器不同意的標註，最可疑的在前。偵測器有多可信，取決於它在這些影像上其他的預測與標註有多一致。"
    "這些只是值得檢查的地方：錯的也可能是偵測器。邊界依序是左、上、右、下，單位是像素。",
    no_errors="沒有偵測器夠有把握反對的標註。",
    kinds={
        "class": "類別標錯？",
        "moved": "位置標錯，或有漏標？",
        "missing": "漏標？",
        "unseen": "那裡沒有東西？",
    },
    label_at="標註：{where}",
    prediction_at="預測：{where}",
    edges="{left}, {top}, {right}, {bottom}",
    doubt="可疑度 {score}",
    error_alt="{name}：互相矛盾的標註與預測",
    labelled="標註 {name}",
    predicted="預測 {name} {score}",
    left_out="沒有參與的物件",
    left_out_note="被捨棄：YOLOv1 的一個格子只負責一個物件，而另一個物件的中心點也在同一個格子裡。"
    "忽略：標註註明是一群或難以辨認的物件。被遮去：物件在網路的輸入中所剩太少；訓練時的隨機裁切會這樣。",
    what="物件",
    evaluated="這份資料中",
    trained="訓練時看到的",
    answered="有預測框負責",
    dropped="被捨棄",
    ignored="忽略",
    hidden="被遮去",
    broken="這份資料中有問題的標註：{summary}。",
    more="還有 {count} 個",
    none="沒有",
    picture_title="{name}（{data}，{split}）：損失從哪裡來",
    one_in_detail="逐項來看",
    play="在互動頁面打開",
    play_note="要先在這台電腦執行 <code>yolosses play</code>",
    picture_verdict="<b><code>{term}</code></b>（{label}）佔這張影像損失 {loss} 的 <b>{share}</b>。",
    every_object="每個物件，以及最大聲的其他預測框",
    every_object_note="損失最大的在前。格子為（列, 行），從 0 起算。",
    sentence="那裡發生了什麼",
    picture="影像",
    truth="物件",
)

_TEXTS: dict[Language, Texts] = {"en": _ENGLISH, "zh-TW": _CHINESE}


def texts(language: Language) -> Texts:
    """The words of ``language``."""
    return _TEXTS[language]
