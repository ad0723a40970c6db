/** How each term of the loss looks: colours and line styles of the library's pictures (explain/style.py). */
import type { Options } from "./engine";

export const TERMS = ["xy", "wh", "obj", "noobj", "cls"] as const;
export type TermName = (typeof TERMS)[number];

export const COLOURS: Record<TermName, string> = {
  xy: "#0072B2",
  wh: "#D55E00",
  obj: "#009E73",
  noobj: "#CC79A7",
  cls: "#E69F00",
};
export const DASHES: Record<TermName, string> = { xy: "", wh: "10 3", obj: "12 3 2.4 3", noobj: "2.8 2.4", cls: "18 4" };
export const NUMBERS: Record<TermName, string> = { xy: "1", wh: "2", obj: "3-1", noobj: "3-2", cls: "4" };

/** The lambdas as the page offers them; one weight serves both coordinate terms. */
export const LAMBDAS = ["coord", "obj", "noobj", "cls"] as const;
export type LambdaName = (typeof LAMBDAS)[number];
export const LAMBDA_OF: Record<TermName, LambdaName> = { xy: "coord", wh: "coord", obj: "obj", noobj: "noobj", cls: "cls" };
export const PAPER: Record<LambdaName, number> = { coord: 5, obj: 1, noobj: 0.5, cls: 1 };

/** Symbols that can be pointed at. */
export const SYMBOLS = [
  "lambda", "sum_boxes", "sum_cells", "sum_classes", "1obj", "1noobj", "1obj_i", "xy", "xy_hat", "wh", "wh_hat", "root", "root_hat", "C", "target", "p", "p_hat",
] as const;
export type SymbolName = (typeof SYMBOLS)[number];

const mark = (symbol: SymbolName, tex: string) => `\\htmlData{symbol=${symbol}}{${tex}}`;
const SUM = mark("sum_boxes", "\\sum_{i=0}^{S^2}\\sum_{j=0}^{B}");
const lambda = (name: LambdaName) => mark("lambda", `\\lambda_{\\text{${name}}}`);
const obj = mark("1obj", "\\mathbf{1}^{\\text{obj}}_{ij}");
const noobj = mark("1noobj", "\\mathbf{1}^{\\text{noobj}}_{ij}");
const CONFIDENCE = mark("C", "C_i");
const SCORE = mark("p", "p_i(c)");
const TRUE_SCORE = mark("p_hat", "\\hat p_i(c)");
const objCell = mark("1obj_i", "\\mathbf{1}^{\\text{obj}}_{i}");

/** A term in TeX, with marks on the symbols that can be pointed at. A hat marks the target. */
export function formula(term: TermName, options: Options): string {
  const costs = (difference: string) =>
    ({ squared_error: `(${difference})^2`, absolute_error: `|${difference}|` })[options.penalty] ?? `\\mathrm{H}(${difference})`;
  switch (term) {
    case "xy": {
      const place = (name: string) => costs(`${mark("xy", `${name}_i`)}-${mark("xy_hat", `\\hat ${name}_i`)}`);
      return `${lambda("coord")}${SUM}${obj}\\big[${place("x")}+${place("y")}\\big]`;
    }
    case "wh": {
      const side = (name: string) =>
        options.size_term === "sqrt"
          ? costs(`${mark("root", `\\sqrt{${name}_i}`)}-${mark("root_hat", `\\sqrt{\\hat ${name}_i}`)}`)
          : costs(`${mark("wh", `${name}_i`)}-${mark("wh_hat", `\\hat ${name}_i`)}`);
      return `${lambda("coord")}${SUM}${obj}\\big[${side("w")}+${side("h")}\\big]`;
    }
    case "obj": {
      const target = options.confidence_target === "iou" ? "\\hat C_i" : "1";
      return `${lambda("obj")}${SUM}${obj}${costs(`${CONFIDENCE}-${mark("target", target)}`)}`;
    }
    case "noobj":
      return `${lambda("noobj")}${SUM}${noobj}${costs(`${CONFIDENCE}-${mark("target", "0")}`)}`;
    case "cls": {
      const each =
        options.class_term === "squared_error" ? `(${SCORE}-${TRUE_SCORE})^2` : `-\\,${TRUE_SCORE}\\log ${SCORE}`;
      return `${lambda("cls")}${mark("sum_cells", "\\sum_{i=0}^{S^2}")}${objCell}${mark("sum_classes", "\\sum_{c}")}${each}`;
    }
  }
}
