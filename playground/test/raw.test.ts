import { expect, test } from "vitest";
import { boxOffset, cellOf, classesAt, classOffset, confidenceAt, freeCentre, rawLength, startOf, withBoxes, withClass, withConfidence } from "../src/raw";
import { movedBox, nearest } from "../src/scene";
import { after } from "../src/store";

const layout = { grid: 3, boxes: 2, classes: 10, slots: 6 };
const counting = Float32Array.from({ length: rawLength(layout) }, (_, index) => index);

test("numbers of box 1 of cell 4 are where the library has them", () => {
  // Cells of 5 * 2 + 10 numbers: cell 4 begins at 80, its second box at 85, its classes at 90.
  expect(cellOf(layout, 9)).toBe(4);
  expect(boxOffset(layout, 9)).toBe(85);
  expect(confidenceAt(counting, layout, 9)).toBe(89);
  expect(classOffset(layout, 4)).toBe(90);
  expect(Array.from(classesAt(counting, layout, 4))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
});

test("edits change their numbers and no others", () => {
  const encoded = Float32Array.from({ length: 72 }, (_, index) => -index - 1);
  const boxes = withBoxes(counting, layout, encoded, [9]);
  expect(Array.from(boxes.subarray(84, 91))).toEqual([84, -37, -38, -39, -40, 89, 90]);
  expect(boxes.filter((value, index) => value !== counting[index]).length).toBe(4);
  const confident = withConfidence(counting, layout, 0, 0.5);
  expect([confident[4], confident[5]]).toEqual([0.5, 5]);
  const scores = classesAt(withClass(counting, layout, 8, 3, 0.4), layout, 8);
  expect(scores[3]).toBeCloseTo(0.4);
  expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1);
  expect(counting[160]).toBe(160);
});

test("a start covers every predictor, and the cell of a truth is told its class", () => {
  const start = startOf(layout, new Map([[4, { box: [0.5, 0.5, 0.3, 0.3], label: 7 }]]));
  for (let predictor = 0; predictor < 18; predictor++) {
    expect(start.boxes[4 * predictor + 2]).toBeGreaterThan(0.1);
    expect(confidenceAt(start.raw, layout, predictor)).toBeGreaterThan(0);
  }
  expect(classesAt(start.raw, layout, 4)[7]).toBeCloseTo(0.55);
});

test("a corner moves its two sides, the opposite corner stays", () => {
  const [cx, cy, w, h] = movedBox([0.5, 0.5, 0.2, 0.2], 0.1, -0.05, { x: 1, y: 1 });
  expect([w, h]).toEqual([0.30000000000000004, 0.15000000000000002]);
  expect(cx - w / 2).toBeCloseTo(0.4);
  expect(cy - h / 2).toBeCloseTo(0.4);
});

test("a box never turns inside out, and its centre stays in the picture", () => {
  const [, , w, h] = movedBox([0.5, 0.5, 0.2, 0.2], 0.9, 0.9, { x: -1, y: -1 });
  expect([w, h]).toEqual([0.03, 0.03]);
  expect(movedBox([0.5, 0.5, 0.2, 0.2], 2, -2, { x: 0, y: 0 }).slice(0, 2)).toEqual([0.999, 0]);
});

test("a step goes against the gradient", () => {
  expect(Array.from(after(Float32Array.of(1, 2), Float32Array.of(10, -10), 0.5))).toEqual([-4, 7]);
});

const boxOf = (name: string, kind: "truth" | "responsible" | "other", ...box: [number, number, number, number]) => ({ name, kind, box });

test("of boxes on each other the edge that is pointed at decides, inside them the smallest", () => {
  const large = boxOf("large", "truth", 0.5, 0.5, 0.6, 0.6);
  const small = boxOf("small", "other", 0.4, 0.4, 0.2, 0.2);
  const at = (x: number, y: number) => nearest([small, large], [x, y])?.name;
  expect(at(0.4, 0.4)).toBe("small");
  expect(at(0.2, 0.45)).toBe("large");
  expect(at(0.3, 0.41)).toBe("small");
  expect(at(0.65, 0.65)).toBe("large");
  expect(at(0.05, 0.05)).toBeUndefined();
});

test("inside boxes on each other a responsible one is taken before a true one, the selected one before it, what the page asks for before all", () => {
  const truth = boxOf("truth", "truth", 0.5, 0.5, 0.2, 0.2);
  const mine = boxOf("mine", "responsible", 0.5, 0.5, 0.3, 0.3);
  const boxes = [truth, mine];
  expect(nearest(boxes, [0.5, 0.5])).toBe(mine);
  expect(nearest(boxes, [0.5, 0.5], null, truth)).toBe(truth);
  expect(nearest(boxes, [0.5, 0.5], "truth")).toBe(truth);
  expect(nearest(boxes, [0.5, 0.5], "responsible", truth)).toBe(mine);
  expect(nearest(boxes, [0.4, 0.5], null, mine)).toBe(truth); // its edge
  expect(nearest(boxes, [0.4, 0.5], "responsible", truth)).toBe(mine);
});

test("a new object comes into a free cell near the middle", () => {
  expect(freeCentre({ grid: 3 }, [])).toEqual([0.5, 0.5]);
  const [x, y] = freeCentre({ grid: 3 }, [4, 1]);
  expect([1 / 6, 0.5, 5 / 6].map((each) => each.toFixed(3))).toContain(x.toFixed(3));
  expect([Math.floor(3 * y) * 3 + Math.floor(3 * x)]).not.toEqual(expect.arrayContaining([4, 1]));
  expect(Math.abs(x - 0.5) + Math.abs(y - 0.5)).toBeCloseTo(1 / 3);
  expect(freeCentre({ grid: 1 }, [0])).toEqual([0.5, 0.5]);
});
