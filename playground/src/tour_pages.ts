/** The pages of the tour, in the order of a first lesson about the YOLOv1 loss. */
import type { Options } from "./engine";
import type { Language, State } from "./state";

export type Said = Record<Language, string>;

export interface Task extends Said {
  /** What ticks it off: a name that the store notes. */
  done: string;
}

export interface Page {
  title: Said;
  text: Said;
  tasks: Task[];
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
}

export const PAGES: Page[] = [
  {
    at: "picture", scene: 0,
    title: { en: "What a loss is", "zh-TW": "損失函數是什麼" },
    text: {
      en: "A loss is one number that says how far the predictions are from the truth. Smaller is better. Training does nothing but make it smaller. White boxes are the truth, blue ones are predictions.",
      "zh-TW": "損失是一個數字，告訴我們預測離真實有多遠，越小越好。訓練做的事，就是讓它變小。白框是真實框，藍框是預測框。",
    },
    tasks: [
      { done: "move-pred", en: "Drag a blue box onto its digit and watch the loss fall.", "zh-TW": "把一個藍框拖到它的數字上，看損失變小。" },
    ],
  },
  {
    at: "picture", scene: 0,
    title: { en: "Cells", "zh-TW": "格子" },
    text: {
      en: "YOLOv1 cuts the picture into S × S cells. The cell that holds the centre of an object has to predict it. These cells are tinted blue.",
      "zh-TW": "YOLOv1 把圖片切成 S × S 個格子。物件的中心點落在哪個格子，就由那個格子負責預測。這些格子塗成淺藍色。",
    },
    tasks: [
      { done: "new-cell", en: "Drag a white box until its centre is in another cell.", "zh-TW": "拖動一個白框，直到中心點進入另一個格子。" },
      { done: "cell", en: "Click an empty cell: it predicts boxes, too.", "zh-TW": "點一個空的格子：它也有預測框。" },
    ],
  },
  {
    at: "picture", scene: 0,
    title: { en: "The responsible box", "zh-TW": "誰負責" },
    text: {
      en: "A cell predicts B boxes (here 2). Responsible for the object is the one with the highest IoU with it, not the most confident one. It has the thick line.",
      "zh-TW": "一個格子有 B 個預測框（這裡是 2 個）。與真實框 IoU 最高的那個負責這個物件，不是信心度最高的那個。負責的框線條比較粗。",
    },
    tasks: [
      { done: "flip", en: "Move a dashed box until it becomes the responsible one.", "zh-TW": "移動一個虛線框，直到換成它負責。" },
      { done: "point-1obj", en: "Point at 1ᵒᵇʲᵢⱼ in a formula.", "zh-TW": "指著公式裡的 1ᵒᵇʲᵢⱼ。" },
    ],
  },
  {
    at: "loss", scene: 0, openTerm: "xy",
    title: { en: "Term 1: the centre", "zh-TW": "第 1 項：中心點" },
    text: {
      en: "The squared differences of x and y, of responsible boxes only. x and y are measured from the corner of the cell, in cells: 0 is its left edge, 1 its right edge.",
      "zh-TW": "x 與 y 的差取平方再加總，只算負責的預測框。x 與 y 從格子的左上角量起，以格子為單位：0 是左邊，1 是右邊。",
    },
    tasks: [
      { done: "element", en: "Open one element and read the numbers that were put in.", "zh-TW": "打開一個元素，看看代入了哪些數字。" },
    ],
  },
  {
    at: "loss", scene: 2, openTerm: "wh",
    title: { en: "Term 2: width and height", "zh-TW": "第 2 項：寬與高" },
    text: {
      en: "The same, with square roots. With roots, an error of 5 pixels costs more on a small box than on a large one. Without them it would cost the same.",
      "zh-TW": "一樣是平方差，但先開根號。開根號之後，同樣差 5 個像素，小框受的懲罰比大框重；不開根號的話，兩者一樣。",
    },
    tasks: [
      { done: "point-root", en: "Point at a root in the formula.", "zh-TW": "指著公式裡的根號。" },
      { done: "option-size_term", en: "Under “Variants”, switch the roots off and compare the elements of both digits.", "zh-TW": "在「換個寫法」把根號關掉，比較兩個數字的元素。" },
    ],
  },
  {
    at: "loss", scene: 0, openTerm: "obj",
    title: { en: "Term 3-1: confidence with an object", "zh-TW": "第 3-1 項：有物件的信心度" },
    text: {
      en: "The confidence of a responsible box should be its IoU: how well it fits right now. A box that fits badly should not be confident. The target is not 1.",
      "zh-TW": "負責的預測框，信心度應該等於它此刻的 IoU，也就是合得多好。合得不好的框不該太有信心。目標不是 1。",
    },
    tasks: [
      { done: "point-target", en: "Point at Ĉ in the formula.", "zh-TW": "指著公式裡的 Ĉ。" },
      { done: "confidence", en: "Choose a responsible box and set its confidence to its IoU: the term becomes 0.", "zh-TW": "選一個負責的框，把信心度調到和 IoU 一樣：它的部分就變成 0。" },
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
      { done: "point-1noobj", en: "Point at 1ⁿᵒᵒᵇʲᵢⱼ and count the boxes that light up.", "zh-TW": "指著 1ⁿᵒᵒᵇʲᵢⱼ，數數看亮了幾個框。" },
    ],
  },
  {
    at: "loss", scene: 0, openTerm: "cls",
    title: { en: "Term 4: the class", "zh-TW": "第 4 項：類別" },
    text: {
      en: "Each cell has one set of class scores, shared by its boxes. They are compared once a cell, and only in cells that hold a centre.",
      "zh-TW": "每個格子有一組類別分數，格子裡的預測框共用。每個格子只比一次，而且只有含中心點的格子才要比。",
    },
    tasks: [
      { done: "point-1obj_i", en: "Point at 1ᵒᵇʲᵢ, the one of a cell.", "zh-TW": "指著 1ᵒᵇʲᵢ，也就是格子的那一個。" },
      { done: "class", en: "Choose a blue box and change the score of the class of its cell.", "zh-TW": "選一個藍框，改變那個格子的類別分數。" },
    ],
  },
  {
    at: "weights", scene: 0,
    title: { en: "The weights λ", "zh-TW": "權重 λ" },
    text: {
      en: "λ are hyper-parameters: they are set before training. λ_coord = 5 puts the weight on localisation. λ_noobj = 0.5 makes the many boxes without an object count less.",
      "zh-TW": "λ 是超參數，在訓練之前就設定好。λ_coord = 5 讓模型重視定位；λ_noobj = 0.5 讓大量沒有物件的框不要那麼重要。",
    },
    tasks: [
      { done: "lambda-noobj", en: "Move λ_noobj to 5. Which term does training care about now?", "zh-TW": "把 λ_noobj 調到 5。這樣訓練最在意哪一項？" },
      { done: "lambda-coord", en: "Move λ_coord to 0.", "zh-TW": "把 λ_coord 調到 0。" },
    ],
  },
  {
    at: "variants", scene: 1,
    title: { en: "Two objects in one cell", "zh-TW": "同一格有兩個物件" },
    text: {
      en: "A cell predicts one object. When two centres fall into the same cell, the first one counts here and nobody is responsible for the second. More boxes a cell do not help. Smaller cells do.",
      "zh-TW": "一個格子只能預測一個物件。兩個中心點落在同一格時，這裡只算第一個，第二個就沒有預測框負責。增加每格的框數沒有用，要把格子切小。",
    },
    tasks: [
      { done: "layout", en: "Change B, then S, until both objects have a responsible box.", "zh-TW": "先改 B，再改 S，直到兩個物件都有預測框負責。" },
    ],
  },
  {
    at: "pull", scene: 0, arrows: true,
    title: { en: "Where the loss pulls", "zh-TW": "損失往哪裡拉" },
    text: {
      en: "The gradient says how each number should change so that the loss falls. Only responsible boxes are pulled to an object. All the others only lose confidence.",
      "zh-TW": "梯度告訴我們每個數字該怎麼改，損失才會變小。只有負責的框會被拉向物件，其他的框只會降低信心度。",
    },
    tasks: [
      { done: "descend", en: "Press “Descend” and follow the boxes and the curves.", "zh-TW": "按下「梯度下降」，看預測框和曲線怎麼變。" },
    ],
  },
  {
    at: "loss", scene: 2, openTerm: "wh",
    title: { en: "A question", "zh-TW": "想一想" },
    text: {
      en: "How does the loss of width and height differ from that of the centre, and why is it designed so? Try it: make both boxes too wide by the same amount, once with roots and once without. The root helps only in part: with the same relative error, the large box still costs more.",
      "zh-TW": "寬與高的損失和中心點的損失有什麼不同？為什麼要這樣設計？試試看：讓兩個框寬出同樣的距離，開根號和不開根號各看一次。其實根號只幫了一部分：相對誤差一樣時，大框的懲罰還是比較重。",
    },
    tasks: [
      { done: "move-pred", en: "Make both blue boxes too wide by the same amount and compare √w.", "zh-TW": "讓兩個藍框寬出同樣的距離，比較 √w。" },
      { done: "generation-v8", en: "Then see how a later loss chooses: YOLOv8 under “Later generations”.", "zh-TW": "再到「後來的版本」看看 YOLOv8 怎麼選。" },
    ],
  },
];
