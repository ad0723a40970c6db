import { expect, test } from "vitest";
import { DEFAULT_OPTIONS } from "../src/engine";
import { happened, type Facts } from "../src/happened";
import { rawLength, withBoxes, withConfidence, type Layout } from "../src/raw";
import { PAPER } from "../src/terms";

const layout: Layout = { grid: 3, boxes: 2, classes: 10, slots: 6 };
const truth = { box: [0.5, 0.5, 0.2, 0.2] as [number, number, number, number], label: 5 };
const other = { ...truth, label: 6 };
const began: Facts = {
  raw: new Float32Array(rawLength(layout)).fill(0.25), truths: [truth], layout, weights: PAPER, total: 2, unweighted: [1, 1, 1, 1, 1],
  options: DEFAULT_OPTIONS, pairs: [{ object: 0, predictor: 8, iou: 0.6 }],
};
const moved = (...predictors: number[]) => withBoxes(began.raw, layout, new Float32Array(4 * 18).fill(0.3), predictors);
const of = (patch: Partial<Facts>, start = began, descent: number[] = []) => happened({ ...start, ...patch }, start, descent);

test("nothing happened yet", () => {
  expect(of({})).toEqual([]);
});

test("the loss fell: by a responsible box that was moved, and by no other means", () => {
  expect(of({ raw: moved(8), total: 1.5 })).toEqual(["loss-fell"]);
  expect(of({ raw: moved(8), total: 2 })).toEqual([]);
  expect(of({ raw: moved(9), total: 1.5 })).toEqual([]);
  expect(of({ raw: moved(8), total: 1.5, weights: { ...PAPER, noobj: 0.4 } })).toEqual([]);
});

test("an object is in a new cell when a box of another cell is responsible for it", () => {
  expect(of({ pairs: [{ object: 0, predictor: 10, iou: 0.1 }] })).toEqual(["new-cell"]);
  expect(of({ pairs: [] })).toEqual([]);
});

test("a box took over only if it was moved itself", () => {
  const pairs = [{ object: 0, predictor: 9, iou: 0.7 }];
  expect(of({ pairs, raw: moved(9) })).toEqual(["flip"]);
  expect(of({ pairs, raw: moved(8) })).toEqual([]);
});

test("a confidence is set to the IoU by the reader", () => {
  expect(of({ raw: withConfidence(began.raw, layout, 8, 0.6) })).toEqual(["confidence-iou"]);
  expect(of({ raw: withConfidence(began.raw, layout, 8, 0.62) })).toEqual([]);
  expect(of({ raw: withConfidence(began.raw, layout, 9, 0.6) })).toEqual([]);
  expect(of({ pairs: [{ object: 0, predictor: 8, iou: 0.25 }] })).toEqual([]); // the IoU came to it by chance
});

test("what a drag only passes is not done", () => {
  expect(happened({ ...began, weights: { ...PAPER, noobj: 0 } }, began, [], true)).toEqual([]);
  expect(happened({ ...began, raw: moved(8), total: 1.5 }, began, [], true)).toEqual([]);
  expect(happened({ ...began, pairs: [{ object: 0, predictor: 10, iou: 0.1 }] }, began, [], true)).toEqual(["new-cell"]); // any cell will do
});

test("a confidence that only passes the IoU does not count", () => {
  const now = { ...began, raw: withConfidence(began.raw, layout, 8, 0.6) };
  expect(happened(now, began, [], true)).toEqual([]);
  expect(happened(now, began, [], false)).toEqual(["confidence-iou"]);
});

test("the class got better under the same formula", () => {
  expect(of({ unweighted: [1, 1, 1, 1, 0.5] })).toEqual(["class-better"]);
  expect(of({ unweighted: [1, 1, 1, 1, 0.5], options: { ...began.options, class_term: "cross_entropy" } })).toEqual([]);
  expect(of({ unweighted: [1, 1, 1, 1, 1.5] })).toEqual([]);
});

test("more boxes do not help, smaller cells do", () => {
  const two: Facts = { ...began, truths: [truth, other] };
  const both = [{ object: 0, predictor: 20, iou: 0.5 }, { object: 1, predictor: 30, iou: 0.5 }];
  expect(of({ layout: { ...layout, boxes: 3 } }, two)).toEqual(["more-boxes"]);
  expect(of({ layout: { ...layout, boxes: 1 } }, two)).toEqual([]);
  expect(of({ layout: { ...layout, grid: 5 } }, two)).toEqual([]);
  expect(of({ layout: { ...layout, grid: 7 }, pairs: both }, two)).toEqual(["smaller-cells"]);
  expect(of({ layout: { ...layout, grid: 7 }, truths: [truth] }, two)).toEqual([]); // one was deleted
});

test.each([
  [4.4, []], [5, ["noobj-5"]], [0, ["noobj-0"]], [0.5, []],
])("lambda_noobj of %s", (noobj, done) => {
  expect(of({ weights: { ...PAPER, noobj } })).toEqual(done);
});

test("roots are off, lambda_coord is 0", () => {
  expect(of({ options: { ...began.options, size_term: "linear" } })).toEqual(["roots-off"]);
  expect(of({ weights: { ...PAPER, coord: 0 } })).toEqual(["coord-0"]);
});

test("a descent is one when it took some steps and the loss fell", () => {
  const descent = Array.from({ length: 20 }, (_, step) => 2 - 0.05 * step);
  expect(of({ total: 1 }, began, descent)).toEqual(["descended"]);
  expect(of({ total: 1 }, began, descent.slice(0, 3))).toEqual([]);
  expect(of({ total: 3 }, began, descent)).toEqual([]);
});
