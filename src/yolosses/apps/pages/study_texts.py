"""The words of a study's report, on the page and in the terminal, English and Traditional Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from yolosses.language import Language

Forms = tuple[str, str]  # for one and for several, with ``{count}``


@dataclass(frozen=True, kw_only=True)
class Texts:
    """``{...}`` are filled in where they are used."""

    comma: str
    between_names: str
    semicolon: str
    full_stop: str
    space: str
    and_: str
    in_percent: str
    hints: dict[str, str]
    and_more: str
    default: str
    best: str
    short: dict[str, str]

    title: str
    runs: Forms
    settings: Forms
    seeds: Forms
    budgets: dict[str, Forms]
    facts: str
    facts_uneven: str
    learnt: str
    pictures: Forms
    varied: str
    drawn: str
    best_is: str
    best_is_default: str
    default_reaches: str
    default_unmeasured: str
    only_setting: str
    overlap: str
    apart: str
    no_interval: str
    no_runs: str
    states: dict[str, str]
    state_line: str

    findings: str
    findings_note: str
    no_findings: str
    no_difference: str

    maps: str
    maps_note: str
    maps_averaged: str
    map_alt: str
    better: str
    abilities: dict[str, str]

    effects: str
    effects_note: str
    ring_note: str
    averaged: str
    averaged_drawn: str
    unfinished: str
    single: str
    line_alt: str
    scatter_note: str
    scatter_alt: str

    errors: str
    errors_note: str
    tide: str
    tide_note: str
    top: str
    top_note: str
    paper: str
    at_fixed: str
    mean_over: str

    trade_offs: str
    trade_note: str
    trade_note_drawn: str
    trade_alt: str

    importance: str
    importance_note: str
    no_importance: str
    measure: str
    meaning: str

    calibration: str
    calibration_note: str
    score_and_iou: str
    score: str
    iou: str
    exact: str
    calibration_alt: str
    history: str
    history_note: str
    history_alt: str
    step: str

    numbers: str
    numbers_note: str
    runs_column: str
    setting: str
    other_measures: str
    glossary: str
    terminal_more: str


_ENGLISH = Texts(
    comma=", ",
    between_names=", ",
    semicolon="; ",
    full_stop=". ",
    space=" ",
    and_=" and ",
    in_percent=" (%)",
    hints={"high": "higher is better", "low": "lower is better"},
    and_more="and {count} more",
    default="default",
    best="best",
    short={
        "mean_iou": "mean IoU",
        "covered": "covered objects",
        "background_fp": "background a picture",
        "background_fp_fixed": "background at score 0.25",
        "empty_confidence": "confidence in empty cells",
        "object_confidence": "confidence at objects",
        "tide_classification": "class",
        "tide_localisation": "localisation",
        "tide_both": "class and localisation",
        "tide_duplicate": "duplicate",
        "tide_background": "background",
        "tide_missed": "missed object",
        "top_correct": "correct",
        "top_localisation": "localisation",
        "top_similar": "similar class",
        "top_other": "other class",
        "top_background": "background",
    },
    title="What changes with {parameters}: loss {loss} on {data}",
    runs=("{count} run", "{count} runs"),
    settings=("{count} setting", "{count} settings"),
    seeds=("{count} seed", "{count} seeds"),
    budgets={
        "epochs": ("{count} epoch", "{count} epochs"),
        "minutes": ("{count} minute", "{count} minutes"),
    },
    facts="{settings} × {seeds} = {runs} of {budget} each",
    facts_uneven="{settings}, {runs} of {budget} each",
    learnt="learnt from {train} ({train_pictures}), measured on {eval} ({eval_pictures})",
    pictures=("{count} picture", "{count} pictures"),
    varied="What was varied",
    drawn="{count} values drawn from {low} to {high}",
    best_is="Best: {setting} with {measure} {value}.",
    best_is_default="Best is the default: {setting} with {measure} {value}.",
    default_reaches="The default ({setting}) has {value}.",
    default_unmeasured="The default was not measured.",
    only_setting="{setting}: {measure} {value}.",
    overlap="The two intervals overlap: the difference may be chance.",
    apart="The two intervals do not overlap.",
    no_interval="There are no intervals with one seed: the difference may be chance.",
    no_runs="No run has finished yet.",
    states={
        "complete": "finished",
        "running": "running",
        "waiting": "waiting",
        "fail": "failed",
        "pruned": "pruned",
    },
    state_line="Trials: {states}.",
    findings="Findings",
    findings_note="Only what the intervals support. [Brackets] hold 95 % intervals. Arrows point up where a measure "
    "rises and down where it falls; they are black where that is good, white where it is not, grey where it is both.",
    no_findings="There is nothing to compare yet.",
    no_difference="No difference seen",
    maps="Two parameters at once",
    maps_note="Mean over the seeds; below it half the width of the 95 % interval (point at a cell for the interval "
    "itself). In every map dark is better; shades span at least one interval, so that chance alone stays "
    "pale. Framed: the default. Star: the best cell of the map.",
    maps_averaged="Each cell is the mean over {others}.",
    map_alt="Heat map of {measure} over {x} and {y}; best {best} at {where}",
    better="better",
    abilities={
        "score": "Score",
        "localisation": "Localisation: does the box fit?",
        "background": "Background: is nothing taken for something?",
        "objects": "Objects: is what is there found?",
        "classes": "Classes",
        "calibration": "Calibration",
        "tide": "What each kind of error costs (TIDE)",
        "top": "Shares of the top detections",
    },
    effects="One parameter at a time",
    effects_note="Means with 95 % intervals.",
    ring_note="The ring marks the default.",
    averaged="Each point is the mean over the seeds and over {others}.",
    averaged_drawn="A sampler chose the values of {drawn}, good ones more often: the settings that are averaged "
    "here are not the same for each point.",
    unfinished="{done} of {all} combinations have results so far, so means over other parameters are not yet of the "
    "same settings.",
    single="Only one value was measured: {value}.",
    line_alt="{measure} by {parameter}: {values}",
    scatter_note="A sampler drew the values, more often where {measure} was high. One point a run; the star is the "
    "best setting, the dashed line the default.",
    scatter_alt="{measure} of {count} runs by {parameter}",
    errors="What kind of errors",
    errors_note="One bar a setting, on the same scale.",
    tide="What each kind of error costs",
    tide_note="TIDE: how much AP50 rises when that kind of error alone is mended. The costs do not add up "
    "to all that is missing.",
    top="What the top detections are",
    top_note="For each class as many of the highest-scored detections as there are objects, as in Figure 4 of "
    "the YOLO paper, whose own bar (YOLO on VOC 2007) is the last.",
    paper="YOLO, VOC 2007",
    at_fixed="at {settings}",
    mean_over="mean over {others}",
    trade_offs="What is traded for what",
    trade_note="A path joins the settings along one parameter, in the order of its values, with the others at their "
    "defaults where these were measured. Bars are 95 % intervals; the ring marks the default; grey points are all "
    "other settings.",
    trade_note_drawn="The best setting and the default, where it was measured, are named; grey points are all other "
    "settings.",
    trade_alt="{y} against {x}",
    importance="Which parameter matters",
    importance_note="Of the differences between settings in a measure, the share that each parameter accounts for "
    "(fANOVA). Where no parameter does much, the shares only divide noise: read them with the findings.",
    no_importance="no more than chance",
    measure="measure",
    meaning="what it is",
    calibration="Scores, and the course of training",
    calibration_note="Does the score say how well the box fits? Mean IoU of the detections against their mean score, "
    "in ten parts of the scores; on the diagonal the score is exact, below it too high. Hollow: fewer than "
    "{few} detections.",
    score_and_iou="IoU by score",
    score="score",
    iou="IoU",
    exact="exact",
    calibration_alt="IoU against score by {parameter}",
    history="Share of each term in the loss over training",
    history_note="Weighted terms, mean over the seeds. What has a larger share gets more of the training.",
    history_alt="Shares of the loss terms over {steps} steps; at the end {shares}",
    step="optimiser step",
    numbers="All numbers",
    numbers_note="Mean ± half the width of the 95 % interval over the seeds; percentages where the head says so.",
    runs_column="runs",
    setting="setting",
    other_measures="{group} (all measures)",
    glossary="What the measures are",
    terminal_more="… and {count} more settings",
)

_CHINESE = Texts(
    comma="，",
    between_names="、",
    semicolon="；",
    full_stop="。",
    space="",
    and_=" 與 ",
    in_percent="（%）",
    hints={"high": "越高越好", "low": "越低越好"},
    and_more="還有 {count} 項",
    default="預設",
    best="最佳",
    short={
        "mean_iou": "平均 IoU",
        "background_fp": "每張影像的背景誤報",
        "background_fp_fixed": "分數 0.25 的背景誤報",
        "object_confidence": "物件處的信心度",
        "recall_fixed": "分數 0.25 的召回率",
        "tide_classification": "類別",
        "tide_localisation": "定位",
        "tide_both": "類別與定位",
        "tide_duplicate": "重複",
        "tide_background": "背景",
        "tide_missed": "漏掉的物件",
        "top_correct": "正確",
        "top_localisation": "定位錯誤",
        "top_similar": "相似類別",
        "top_other": "其他類別",
        "top_background": "背景",
    },
    title="{parameters} 改變了什麼：損失函數 {loss}，資料集 {data}",
    runs=("{count} 次訓練", "{count} 次訓練"),
    settings=("{count} 種設定", "{count} 種設定"),
    seeds=("{count} 個隨機種子", "{count} 個隨機種子"),
    budgets={
        "epochs": ("{count} 個 epoch", "{count} 個 epoch"),
        "minutes": ("{count} 分鐘", "{count} 分鐘"),
    },
    facts="{settings} × {seeds} = {runs}，每次 {budget}",
    facts_uneven="{settings}，{runs}，每次 {budget}",
    learnt="以 {train} 訓練（{train_pictures}），以 {eval} 評估（{eval_pictures}）",
    pictures=("{count} 張影像", "{count} 張影像"),
    varied="改變了哪些參數",
    drawn="從 {low} 到 {high} 抽出的 {count} 個值",
    best_is="最佳設定：{setting}，{measure} {value}。",
    best_is_default="最佳設定就是預設值：{setting}，{measure} {value}。",
    default_reaches="預設值（{setting}）為 {value}。",
    default_unmeasured="沒有測量預設值。",
    only_setting="{setting}：{measure} {value}。",
    overlap="兩個信賴區間重疊：差異可能只是偶然。",
    apart="兩個信賴區間沒有重疊。",
    no_interval="只有一個隨機種子，沒有信賴區間：差異可能只是偶然。",
    no_runs="還沒有完成任何一次訓練。",
    states={
        "complete": "完成",
        "running": "進行中",
        "waiting": "等待中",
        "fail": "失敗",
        "pruned": "提前停止",
    },
    state_line="試驗次數：{states}。",
    findings="發現",
    findings_note="只寫信賴區間支持的結論。[方括號] 裡是 95 % 信賴區間。箭頭向上表示指標升高，向下表示降低；"
    "黑色表示變好，白色表示變差，灰色表示有好有壞。",
    no_findings="還沒有可以比較的結果。",
    no_difference="看不出差異",
    maps="同時看兩個參數",
    maps_note="上面的數字是各隨機種子的平均，下面是 95 % 信賴區間寬度的一半（把游標移到格子上可看到區間）。"
    "每張圖都是顏色越深越好；色階的範圍至少與一個區間同寬，所以單純的隨機起伏看起來會很淡。粗框：預設值。星號：該圖最好的格子。",
    maps_averaged="每一格是對 {others} 的平均。",
    map_alt="{measure} 隨 {x} 與 {y} 變化的熱圖；最好的是 {where} 的 {best}",
    better="較好",
    abilities={
        "score": "分數",
        "localisation": "定位能力：框得準不準？",
        "background": "背景：會不會無中生有？",
        "objects": "物件：有沒有找到？",
        "classes": "類別",
        "calibration": "校準",
        "tide": "各種錯誤的代價（TIDE）",
        "top": "前幾名偵測結果的組成",
    },
    effects="一次看一個參數",
    effects_note="平均值與 95 % 信賴區間。",
    ring_note="圓圈標出預設值。",
    averaged="每一點是各隨機種子與 {others} 的平均。",
    averaged_drawn="{drawn} 的值由取樣器選出，好的值較多：這裡每一點所平均的設定並不相同。",
    unfinished="{all} 種組合中目前有 {done} 種有結果，所以對其他參數的平均還不是來自同一組設定。",
    single="只測量了一個值：{value}。",
    line_alt="{measure} 隨 {parameter} 的變化：{values}",
    scatter_note="數值由取樣器抽出，{measure} 高的地方抽得較多。一點是一次訓練；星號是最佳設定，虛線是預設值。",
    scatter_alt="{count} 次訓練的 {measure} 與 {parameter}",
    errors="錯誤的種類",
    errors_note="一條長條是一種設定，比例尺都相同。",
    tide="各種錯誤的代價",
    tide_note="TIDE：只修正該種錯誤時，AP50 會提高多少。各項相加不等於全部的損失。",
    top="前幾名偵測結果是什麼",
    top_note="每個類別有幾個物件，就取幾個分數最高的偵測結果，與 YOLO 論文的圖 4 相同；"
    "最後一條是論文的 YOLO（VOC 2007）。",
    paper="YOLO（VOC 2007）",
    at_fixed="其中 {settings}",
    mean_over="對 {others} 取平均",
    trade_offs="得到什麼，付出什麼",
    trade_note="一條路徑依數值順序連起同一個參數的各個設定；其他參數若測量過預設值，就取預設值。"
    "短線是 95 % 信賴區間；圓圈標出預設值；灰點是其餘的設定。",
    trade_note_drawn="標出最佳設定與預設值（若有測量）；灰點是其餘的設定。",
    trade_alt="{y} 與 {x}",
    importance="哪個參數重要",
    importance_note="各設定之間某個指標的差異，有多少比例來自各個參數（fANOVA）。若沒有哪個參數有明顯作用，"
    "這些比例只是在分配隨機起伏：請與上面的發現一起看。",
    no_importance="與偶然無異",
    measure="指標",
    meaning="意義",
    calibration="分數的意義與訓練過程",
    calibration_note="分數說得準框得多好嗎？把分數分成十段，畫出各段偵測結果的平均 IoU 與平均分數；"
    "在對角線上表示分數剛好，在下方表示太高。空心：不到 {few} 個偵測結果。",
    score_and_iou="各分數的 IoU",
    score="分數",
    iou="IoU",
    exact="剛好",
    calibration_alt="各種 {parameter} 的 IoU 與分數",
    history="訓練過程中各項占損失的比例",
    history_note="加權後的各項，取各隨機種子的平均。比例越大的項，訓練越偏向它。",
    history_alt="{steps} 步之中損失各項的比例；最後是 {shares}",
    step="最佳化步數",
    numbers="所有數值",
    numbers_note="平均 ± 95 % 信賴區間寬度的一半（各隨機種子之間）；標題有 % 的是百分比。",
    runs_column="次數",
    setting="設定",
    other_measures="{group}（所有指標）",
    glossary="各指標的意義",
    terminal_more="……還有 {count} 種設定",
)

_TEXTS: dict[Language, Texts] = {"en": _ENGLISH, "zh-TW": _CHINESE}


def texts(language: Language) -> Texts:
    """The words of ``language``."""
    return _TEXTS[language]
