/** What a pointed-at thing speaks of: predictors and cells to light up, and symbols of the formula. */
import type { Pair } from "./elements";
import type { Options } from "./engine";
import { cellOf, predictors, type Layout } from "./raw";
import type { Pointed } from "./store";
import type { SymbolName, TermName } from "./terms";

export interface Lit {
  predictors: Set<number>;
  cells: Set<number>;
}

export function lit(pointed: Pointed, pairs: Pair[], layout: Layout): Lit | null {
  if (pointed === null) return null;
  const responsible = pairs.map((pair) => pair.predictor);
  const objectCells = responsible.map((predictor) => cellOf(layout, predictor));
  if ("predictor" in pointed) {
    return { predictors: new Set([pointed.predictor]), cells: new Set([cellOf(layout, pointed.predictor)]) };
  }
  if ("cell" in pointed) {
    const every = Array.from({ length: layout.boxes }, (_, box) => pointed.cell * layout.boxes + box);
    return { predictors: new Set(every), cells: new Set([pointed.cell]) };
  }
  if (pointed.symbol === "sum_boxes") return { predictors: new Set(Array.from({ length: predictors(layout) }, (_, index) => index)), cells: new Set() };
  if (pointed.symbol === "sum_cells") return { predictors: new Set(), cells: new Set(Array.from({ length: layout.grid ** 2 }, (_, index) => index)) };
  const background = pointed.symbol === "1noobj" || (pointed.symbol !== "1obj" && pointed.term === "noobj");
  if (background) {
    const others = Array.from({ length: predictors(layout) }, (_, index) => index).filter((each) => !responsible.includes(each));
    return { predictors: new Set(others), cells: new Set() };
  }
  if (pointed.symbol === "1obj_i" || pointed.term === "cls") return { predictors: new Set(), cells: new Set(objectCells) };
  return { predictors: new Set(responsible), cells: new Set() };
}

/** Whether what is pointed at is the IoU of responsible boxes: a target that is 1 or 0 is none. */
export function speaksOfIou(pointed: Pointed, options: Options): boolean {
  return pointed !== null && "symbol" in pointed && pointed.symbol === "target" && pointed.term !== "noobj" && options.confidence_target === "iou";
}

/** Symbols that mean something else in another term. */
const OF_ONE_TERM = new Set<SymbolName>(["lambda", "target", "C"]);

/** Whether a symbol in a term speaks of what is pointed at in the picture. */
export function speaksOf(symbol: SymbolName, term: TermName, pointed: Pointed, pairs: Pair[], layout: Layout): boolean {
  if (pointed === null) return false;
  if ("symbol" in pointed) return pointed.symbol === symbol && (pointed.term === term || !OF_ONE_TERM.has(symbol));
  const holds = (cell: number) => pairs.some((pair) => cellOf(layout, pair.predictor) === cell);
  if ("cell" in pointed) return symbol === "1obj_i" && holds(pointed.cell);
  const responsible = pairs.some((pair) => pair.predictor === pointed.predictor);
  return symbol === (responsible ? "1obj" : "1noobj") || (symbol === "1obj_i" && responsible);
}
