import { expect, test } from "vitest";
import { curvesOf, withLine } from "../src/training";

const unweighted = { xy: 1, wh: 2, obj: 3, noobj: 4, cls: 5 };

test("a line goes to its setting", () => {
  const line = { training: 1, step: 10, unweighted } as const;
  expect(withLine([[], []], line)).toEqual([[], [line]]);
});

test("terms have a point for each line, measures for those that were measured", () => {
  const { terms, measures, last } = curvesOf([
    { training: 0, step: 10, unweighted, measures: { precision: 0.25, recall: 0.5 } },
    { training: 0, step: 20, unweighted: { ...unweighted, wh: 1.5 } },
    { training: 0, ended: true },
  ]);
  expect(terms[1]?.points).toEqual([[10, 2], [20, 1.5]]);
  expect(measures.map(({ points }) => points)).toEqual([[[10, 0.25]], [[10, 0.5]]]);
  expect(last).toBe(20);
});
