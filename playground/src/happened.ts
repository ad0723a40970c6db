/** What the reader brought about, for the tasks of the tour: told from what was computed, not from what was clicked. */
import { boxOffset, cellOf, confidenceAt, type Layout } from "./raw";
import type { Result } from "./store";
import { TERMS } from "./terms";

export type Facts = Pick<Result, "raw" | "truths" | "layout" | "options" | "weights" | "total" | "unweighted" | "pairs">;

/** Now, as the picture was when the page of the tour began, and the losses of the descent so far. */
type Rule = (now: Facts, began: Facts, descent: number[]) => boolean;

const LONG = 15; // steps of a descent that can be followed
const NEAR = 0.006; // half a step of the slider, and a little

/** Those that are done where a drag ends, not where it passes. */
const AT_REST = new Set(["loss-fell", "confidence-iou", "class-better", "noobj-5", "noobj-0", "coord-0"]);

const RULES: Record<string, Rule> = {
  "loss-fell": (now, began) => sameFormula(now, began) && now.total < 0.97 * began.total && now.pairs.some(({ predictor }) => moved(now, began, predictor)),
  "new-cell": (now, began) => sameCells(now, began) && now.pairs.some((pair) => cellOf(now.layout, pair.predictor) !== cellWas(began, pair.object)),
  flip: (now, began) =>
    sameCells(now, began) &&
    now.pairs.some(({ object, predictor }) => cellOf(now.layout, predictor) === cellWas(began, object) && predictor !== was(began, object) && moved(now, began, predictor)),
  "confidence-iou": (now, began) =>
    sameCells(now, began) &&
    now.pairs.some(({ predictor, iou }) => {
      const [confidence, before] = [now, began].map(({ raw, layout }) => confidenceAt(raw, layout, predictor)) as [number, number];
      return confidence !== before && Math.abs(confidence - iou) < NEAR;
    }),
  "class-better": (now, began) => sameFormula(now, began) && unweighted(now, "cls") < 0.95 * unweighted(began, "cls"),
  "roots-off": (now) => now.options["size_term"] === "linear",
  "noobj-5": (now) => now.weights.noobj >= 4.5,
  "noobj-0": (now) => now.weights.noobj === 0,
  "coord-0": (now) => now.weights.coord === 0,
  "more-boxes": (now, began) => now.layout.boxes > began.layout.boxes && now.layout.grid === began.layout.grid && dropped(now) > 0,
  "smaller-cells": (now, began) => dropped(began) > 0 && now.layout.grid > began.layout.grid && now.truths.length >= began.truths.length && dropped(now) === 0,
  descended: (now, _, descent) => descent.length > LONG && now.total < 0.8 * (descent[0] as number),
};

/** The tasks that are done. `held`: something is being dragged. */
export function happened(now: Facts, began: Facts, descent: number[], held = false): string[] {
  return Object.keys(RULES).filter((name) => !(held && AT_REST.has(name)) && (RULES[name] as Rule)(now, began, descent));
}

const dropped = ({ truths, pairs }: Facts) => truths.filter((truth) => !truth.ignored).length - pairs.length;
const was = ({ pairs }: Facts, object: number) => pairs.find((pair) => pair.object === object)?.predictor;
const unweighted = (facts: Facts, term: (typeof TERMS)[number]) => facts.unweighted[TERMS.indexOf(term)] as number;

/** The cell that had the object; none if no box was responsible for it. */
function cellWas(began: Facts, object: number): number | undefined {
  const predictor = was(began, object);
  return predictor === undefined ? undefined : cellOf(began.layout, predictor);
}

function sameCells(a: Facts, b: Facts): boolean {
  return sizeOf(a.layout) === sizeOf(b.layout) && a.truths.length === b.truths.length;
}

/** Whether two losses can be compared. */
function sameFormula(a: Facts, b: Facts): boolean {
  return sameCells(a, b) && JSON.stringify([a.options, a.weights]) === JSON.stringify([b.options, b.weights]);
}

const sizeOf = ({ grid, boxes, classes }: Layout) => [grid, boxes, classes].join();

function moved(now: Facts, began: Facts, predictor: number): boolean {
  const start = boxOffset(now.layout, predictor);
  return [0, 1, 2, 3].some((part) => now.raw[start + part] !== began.raw[start + part]);
}
