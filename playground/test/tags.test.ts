import { expect, test } from "vitest";
import { placed, TAG_HEIGHT } from "../src/tags";

const at = (x: number, y: number, below = true) => ({ x, y, below, text: "IoU 0.51" });

test("a tag alone is at its corner, and in the picture", () => {
  expect(placed([at(20, 50)])[0]).toMatchObject({ left: 19.65, top: 50 });
  expect(placed([at(20, 50, false)])[0]?.top).toBeCloseTo(50 - TAG_HEIGHT);
  const [corner] = placed([at(99, 100)]);
  expect((corner?.left ?? 0) + (corner?.width ?? 0)).toBe(100);
  expect(corner?.top).toBeCloseTo(100 - TAG_HEIGHT);
});

test("no tag covers another, the first stays", () => {
  const tags = placed([at(20, 50), at(22, 51), at(24, 49), at(20, 50, false), at(23, 99), at(23, 99.5)]);
  expect(tags[0]?.top).toBe(50);
  tags.forEach((a, i) => {
    for (const b of tags.slice(i + 1)) {
      const apart = a.left >= b.left + b.width || b.left >= a.left + a.width || Math.abs(a.top - b.top) >= TAG_HEIGHT;
      expect(apart).toBe(true);
    }
  });
});
