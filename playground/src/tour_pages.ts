/** The pages of the tour, in the order of a first lesson about the YOLOv1 loss. Symbols are between dollar signs. */
import type { Options } from "./engine";
import type { Language, State } from "./state";

export type Said = Record<Language, string>;

export interface Task extends Said {
  /** What ticks it off: a name that the store notes, see happened.ts. */
  done: string;
  /** Where it is done, if that may be out of sight: a selector. */
  there?: string;
  /** What it shows, said once it is done. */
  then?: Said;
}

export interface Page {
  title: Said;
  text: Said;
  tasks: Task[];
  /** Something to think about, with an answer that the reader opens. */
  question?: { ask: Said; answer: Said };
  /** The section of the page to bring into view. */
  at: string;
  /** What the page sets when it is entered. */
  scene: number;
  grid?: number;
  boxes?: number;
  options?: Partial<Options>;
  openTerm?: State["openTerm"];
  generation?: string;
  arrows?: boolean;
  /** Of the first box of each object. */
  confidence?: number;
  /** The boxes to be dragged: they are taken first where others lie on them. */
  drags?: "truth" | "responsible" | "other";
}

/** Ticked when the answer of the page is opened. */
export const ANSWERED = "answered";

const OBJ = "$\\mathbf{1}^{\\text{obj}}_{ij}$";
const OBJ_CELL = "$\\mathbf{1}^{\\text{obj}}_{i}$";
const NOOBJ = "$\\mathbf{1}^{\\text{noobj}}_{ij}$";
const COORD = "$\\lambda_{\\text{coord}}$";
const LAMBDA_NOOBJ = "$\\lambda_{\\text{noobj}}$";

export const PAGES: Page[] = [
  {
    at: "picture", scene: 0, drags: "responsible",
    title: { en: "What a loss is", "zh-TW": "損失函數是什麼" },
    text: {
      en: "A loss is one number that says how far the predictions are from the truth. Smaller is better. Training does nothing but make it smaller. White boxes are the truth, blue ones are predictions. Beside a blue box is its IoU with the object: the area that both share, divided by the area that both cover. 1 is a perfect fit.",
      "zh-TW": "損失是一個數字，告訴我們預測離真實有多遠，越小越好。訓練做的事，就是讓它變小。白框是真實框，藍框是預測框。藍框旁邊寫的是它和物件的 IoU（交並比）：重疊的面積除以兩個框合起來的面積，完全吻合是 1。",
    },
    tasks: [
      {
        done: "loss-fell", en: "Drag a thick blue box onto its digit and watch the loss fall.", "zh-TW": "把一個粗藍框拖到它的手寫數字上，看損失變小。",
        then: { en: "Its IoU rose, and the loss fell.", "zh-TW": "它的 IoU 變大，損失就變小了。" },
      },
    ],
  },
  {
    at: "picture", scene: 0, drags: "truth",
    title: { en: "Cells", "zh-TW": "格子" },
    text: {
      en: "YOLOv1 cuts the picture into S × S cells. The cell that holds the centre of an object (the black dot) has to predict it. These cells have a blue frame. A white box is only the annotation: the picture stays as it is when you drag it.",
      "zh-TW": "YOLOv1 把圖片切成 S × S 個格子。物件的中心點（黑點）落在哪個格子，就由那個格子負責預測。這些格子有藍色的框線。白框只是標註，拖動它不會改變圖片。",
    },
    tasks: [
      {
        done: "new-cell", en: "Drag a white box until its black dot is in another cell.", "zh-TW": "拖動一個白框，直到黑點進入另一個格子。",
        then: { en: "Now the boxes of that cell are measured against it. If the cell already held an object, one of the two has no box any more (page 10).", "zh-TW": "現在換那個格子的預測框和它比較。如果那格本來就有物件，其中一個就沒有預測框了（第 10 頁）。" },
      },
      { done: "empty-cell", en: "{Click} a cell without a frame: it predicts boxes, too.", "zh-TW": "{Click}一個沒有框線的格子：它也有預測框。" },
    ],
    question: {
      ask: { en: "Why the centre?", "zh-TW": "為什麼用中心點決定？" },
      answer: {
        en: "An object touches several cells but has only one centre. So exactly one cell has to predict it, and no two cells report the same object.",
        "zh-TW": "一個物件會跨過好幾格，但中心點只有一個。這樣剛好只有一格要預測它，不會好幾格都報告同一個物件。",
      },
    },
  },
  {
    at: "picture", scene: 0, drags: "other",
    title: { en: "The responsible box", "zh-TW": "誰負責" },
    text: {
      en: "A cell predicts B boxes (here 2). Responsible for the object is the one with the highest IoU with it, not the most confident one. It has the thick line.",
      "zh-TW": "一個格子有 B 個預測框（這裡是 2 個）。和真實框 IoU 最高的那個負責這個物件，不是信心度最高的那個。負責的框線條比較粗。",
    },
    tasks: [
      {
        done: "flip", en: "Move a dashed box (resize it at its corners, too) until it becomes the responsible one.", "zh-TW": "移動一個虛線框（也可以拉角落改變大小），直到換成它負責。",
        then: {
          en: "If the loss rises although the box got better: its confidence is compared with its IoU, and that target went up. The other box is now in term 3-2.",
          "zh-TW": "如果框變準了，損失卻變大：信心度要和 IoU 比，框變準，目標也跟著變高；而另一個框現在算進第 3-2 項。",
        },
      },
      { done: "point-1obj", there: "[data-term=xy]", en: `{Point} ${OBJ} in a formula.`, "zh-TW": `{Point}公式裡的 ${OBJ}。` },
    ],
    question: {
      ask: { en: "Why only one box?", "zh-TW": "為什麼只有一個框負責？" },
      answer: {
        en: "If both boxes were pulled to every object, both would learn the same. As only the better one is, each gets better at what it already does well: one at tall objects, the other at wide ones.",
        "zh-TW": "如果兩個框都被拉向每個物件，它們會學成一樣。只讓比較準的那個學，兩個框就會各有專長：一個擅長高的物件，另一個擅長寬的。",
      },
    },
  },
  {
    at: "loss", scene: 0, openTerm: "xy",
    title: { en: "Term 1: the centre", "zh-TW": "第 1 項：中心點" },
    text: {
      en: "The squared differences of x and y, of responsible boxes only. They are measured from the corner of the cell, in cells. x: 0 is left, 1 right; y: 0 is top, 1 bottom.",
      "zh-TW": "x 與 y 的差取平方再加總，只算負責的預測框。從格子的左上角量起，以格子為單位。x：0 左、1 右；y：0 上、1 下。",
    },
    tasks: [
      { done: "point-xy_hat", en: "{Point} $x_i$ and $\\hat x_i$: which is the prediction, which the truth?", "zh-TW": "{Point} $x_i$ 和 $\\hat x_i$：哪個是預測值，哪個是真實值？", then: { en: "A hat marks the target, which the prediction is compared with, here and in all terms.", "zh-TW": "有帽子的是目標值，也就是預測要去比對的值，每一項都一樣。" } },
      { done: "element", en: "Open a row below the formula and read the numbers that were put in.", "zh-TW": "打開公式下面的一個小項，看看代入了哪些數值。" },
    ],
  },
  {
    at: "loss", scene: 2, openTerm: "wh",
    title: { en: "Term 2: width and height", "zh-TW": "第 2 項：寬與高" },
    text: {
      en: "The same, with square roots. Here both blue boxes are too wide and too high by the same number of pixels. Compare their IoU in the picture: this spoils the small box more, so it should cost more there. With roots it does.",
      "zh-TW": "一樣是平方差，但先開根號。這裡兩個藍框的寬與高都多出同樣的像素，但看看圖上的 IoU：小框的 IoU 低得多，損失應該比較大才合理。開根號之後就是這樣。",
    },
    tasks: [
      { done: "point-root", en: "{Point} a root in the formula.", "zh-TW": "{Point}公式裡的根號。" },
      {
        done: "two-wh", en: "Open the row √w of both digits: the “5” is small, the “9” large.", "zh-TW": "打開兩個手寫數字的 √w：「5」是小的，「9」是大的。",
        then: { en: "The same error, but the small box pays more.", "zh-TW": "同樣的誤差，小框的損失比較大。" },
      },
      {
        done: "roots-off", en: "Below the rows, switch the roots off.", "zh-TW": "在小項下面切換成「不開根號」。",
        then: { en: "Now the same error costs the same on both.", "zh-TW": "現在同樣的誤差，兩個框的損失一樣大。" },
      },
    ],
  },
  {
    at: "loss", scene: 0, openTerm: "obj", confidence: 0.25,
    title: { en: "Term 3-1: confidence with an object", "zh-TW": "第 3-1 項：有物件的信心度" },
    text: {
      en: "The confidence of a responsible box should be its IoU: how well it fits right now. A box that fits badly should not be confident. The target is not 1.",
      "zh-TW": "負責的預測框，信心度應該等於它此刻的 IoU，也就是框得多準。框得不準的框不該太有信心。目標不是 1。",
    },
    tasks: [
      { done: "point-target", en: "{Point} $\\hat C_i$ in the formula.", "zh-TW": "{Point}公式裡的 $\\hat C_i$。" },
      {
        done: "confidence-iou", en: "Open a row and set the confidence to its target, the IoU: the row becomes 0.", "zh-TW": "打開一個小項，把信心度調到目標值（IoU）：這個小項就變成 0。",
        then: { en: "Only this row: the other responsible boxes have their own.", "zh-TW": "變成 0 的只有這個小項，其他負責的框各有自己的小項。" },
      },
    ],
  },
  {
    at: "loss", scene: 0, openTerm: "noobj",
    title: { en: "Term 3-2: confidence without an object", "zh-TW": "第 3-2 項：沒有物件的信心度" },
    text: {
      en: "Every box that is not responsible should have confidence 0. That includes the second box of a cell with an object, which many people forget.",
      "zh-TW": "凡是不負責物件的預測框，信心度都應該是 0。有物件的格子裡的另一個框也算在內，很多人會漏掉它。",
    },
    tasks: [
      {
        done: "point-1noobj", en: `{Point} ${NOOBJ} and count the dots that light up.`, "zh-TW": `{Point} ${NOOBJ}，數數看亮了幾個圓點（一個圓點是一個框）。`,
      },
    ],
    question: {
      ask: { en: "How many are there?", "zh-TW": "一共幾個？" },
      answer: { en: "{others} of the {all} boxes: all but the {objects} responsible ones.", "zh-TW": "{all} 個框裡有 {others} 個：除了 {objects} 個負責的框，全部都算。" },
    },
  },
  {
    at: "loss", scene: 0, openTerm: "cls",
    title: { en: "Term 4: the class", "zh-TW": "第 4 項：類別" },
    text: {
      en: "Each cell has one set of class scores, shared by its boxes. They are compared once per cell, and only in cells that hold a centre. All 10 classes count: the true one should be 1, each of the others 0.",
      "zh-TW": "每個格子有一組類別分數，格子裡的預測框共用。每個格子只比一次，而且只有含中心點的格子才要比。10 個類別全部都算：對的類別應該是 1，其他都應該是 0。",
    },
    tasks: [
      { done: "point-1obj_i", en: `{Point} ${OBJ_CELL}, the 1 with only the index i: one per cell.`, "zh-TW": `{Point} ${OBJ_CELL}：只有下標 i，每個格子一個。` },
      { done: "class-better", en: "Open the first row and raise the score of the true class: term 4 falls.", "zh-TW": "打開第一個小項，把對的類別的分數調高：第 4 項變小。" },
    ],
  },
  {
    at: "weights", scene: 0,
    title: { en: "The weights λ", "zh-TW": "權重 λ" },
    text: {
      en: `λ are hyper-parameters: they are set before training. The paper takes ${COORD} = 5, as the place of the boxes should weigh more, and ${LAMBDA_NOOBJ} = 0.5, as most boxes are empty (here {others} of {all}) and together would outweigh the few with an object. It does not say why just these numbers.`,
      "zh-TW": `λ 是超參數，在訓練之前就設定好。論文用 ${COORD} = 5，讓框的位置更受重視；用 ${LAMBDA_NOOBJ} = 0.5，因為絕大多數的框是空的（這裡 {all} 個裡有 {others} 個），加起來會蓋過少數有物件的框。論文沒有說明為什麼剛好是這兩個數值。`,
    },
    tasks: [
      {
        done: "noobj-5", en: `Move ${LAMBDA_NOOBJ} to 5. Which term does training care about most now?`, "zh-TW": `把 ${LAMBDA_NOOBJ} 調到 5。這樣訓練最在意哪一項？`,
        then: { en: "Term 3-2. The cheapest way down is to lower every confidence: the model overlooks objects.", "zh-TW": "第 3-2 項。損失要變小，最省事的方法是把所有信心度都壓低：模型會漏掉物件。" },
      },
      {
        done: "noobj-0", en: `Move ${LAMBDA_NOOBJ} to 0.`, "zh-TW": `把 ${LAMBDA_NOOBJ} 調到 0。`,
        then: { en: "Term 3-2 is gone. Nothing keeps the confidence of empty boxes down: the model reports objects that are not there.", "zh-TW": "第 3-2 項消失了。空框的信心度沒人管：模型會報告不存在的物件。" },
      },
      {
        done: "coord-0", en: `Move ${COORD} to 0.`, "zh-TW": `把 ${COORD} 調到 0。`,
        then: { en: "Terms 1 and 2 are gone: the boxes never learn where objects are.", "zh-TW": "第 1、2 項消失了：預測框永遠學不會物件在哪裡。" },
      },
    ],
    question: {
      ask: { en: "Which abilities do 5 and 0.5 give the model?", "zh-TW": "5 和 0.5 各讓模型學會什麼？" },
      answer: {
        en: "5: to say well where an object is. 0.5: not to take background for objects, and still to dare report the few that are there. What other numbers do is measured in the documentation, “What the lambdas do”.",
        "zh-TW": "5：學會把物件的位置抓準。0.5：學會不把背景當成物件，又不會因為空框太多而不敢報告真正的物件。換成別的數值會怎樣，說明文件的「lambda 到底做了什麼」有實驗結果。",
      },
    },
  },
  {
    at: "variants", scene: 1,
    title: { en: "Two objects in one cell", "zh-TW": "同一格有兩個物件" },
    text: {
      en: "A cell predicts one object. When two centres fall into the same cell, the first one counts here and no box is responsible for the second.",
      "zh-TW": "一個格子只能預測一個物件。兩個中心點落在同一格時，這裡只算第一個，第二個就沒有預測框負責。",
    },
    tasks: [
      {
        done: "more-boxes", en: "Set B to 3. Does the “6” get a box?", "zh-TW": "把 B 改成 3。「6」有預測框了嗎？",
        then: { en: "No: more boxes per cell do not help, the cell still predicts one object.", "zh-TW": "沒有：增加每格的框數沒有用，一格還是只能預測一個物件。" },
      },
      {
        done: "smaller-cells", en: "Change S until both objects have a responsible box.", "zh-TW": "改 S，直到兩個物件都有預測框負責。",
        then: { en: "Smaller cells put the two centres into different cells.", "zh-TW": "格子切小，兩個中心點就落在不同格。" },
      },
    ],
  },
  {
    at: "pull", scene: 0, arrows: true,
    title: { en: "Where the loss pulls", "zh-TW": "損失往哪裡拉" },
    text: {
      en: "The gradient says of each number of the output: if it grows a little, how much does the loss rise? “Descend” takes small steps the other way; the learning rate is the length of a step. Only responsible boxes are pulled to an object. All the others only lose confidence.",
      "zh-TW": "梯度告訴我們：輸出的每個數值增加一點點，損失會增加多少。「梯度下降」就往反方向一小步一小步走，學習率是一步的長度。只有負責的框會被拉向物件，其他的框只會降低信心度。",
    },
    tasks: [
      {
        done: "descended", en: "Press “Descend” and follow the boxes and the curves.", "zh-TW": "按下「梯度下降」，看預測框和曲線怎麼變。",
        then: { en: "3-1 may rise for a while: the boxes got better, so the targets of their confidence went up.", "zh-TW": "第 3-1 項可能會先變大：框變準了，信心度的目標也跟著變高。" },
      },
    ],
  },
  {
    at: "loss", scene: 2, openTerm: "wh",
    title: { en: "A question", "zh-TW": "想一想" },
    text: {
      en: "How does the loss of width and height differ from that of the centre, and why is it designed so? Both blue boxes have the same errors in pixels again. Look at their IoU, at term 1 and at term 2, with roots and without, before you open the answer.",
      "zh-TW": "寬與高的損失和中心點的損失有什麼不同？為什麼要這樣設計？兩個藍框的誤差又是同樣的像素。先看看它們的 IoU、第 1 項、第 2 項，開根號和不開根號都看一次，再打開答案。",
    },
    tasks: [
      { done: "roots-off", en: "Compare the rows of both digits, then switch the roots off.", "zh-TW": "比較兩個手寫數字的小項，再切換成「不開根號」。" },
      { done: ANSWERED, en: "Think of an answer, then open it.", "zh-TW": "先想一個答案，再打開來對照。" },
      { done: "generation-v8", there: "#generations .choice", en: "Then see how a later loss chooses: YOLOv8 under “Later generations”.", "zh-TW": "再到「後來的版本」看看 YOLOv8 怎麼選。" },
    ],
    question: {
      ask: { en: "The answer", "zh-TW": "答案" },
      answer: {
        en: "Both are sums of squared differences, but width and height are rooted first. A few pixels hardly matter on a large box and spoil a small one: look at the two IoUs. Without roots both errors cost the same. The curve of the root is steep near 0 and flat further on, so with roots the small box pays more. A centre is a place: 0.1 and 0.9 are left and right, not small and large. Its root would not tell small boxes from large ones, and the paper takes none. The root helps only in part: with the same error in per cent, the large box still pays more.",
        "zh-TW": "兩者都是差的平方再加總，但寬與高先開了根號。差幾個像素，對大框幾乎沒影響，對小框卻很嚴重：看看兩個 IoU 就知道。不開根號，兩個框的損失一樣大；根號的曲線在 0 附近陡、後面平，所以開根號之後，小框的損失比較大。中心點是位置：0.1 和 0.9 只是偏左和偏右，不是小和大，開根號分不出框的大小，所以論文沒有開。不過根號只幫了一部分：誤差的百分比一樣時，大框的損失還是比較大。",
      },
    },
  },
];
