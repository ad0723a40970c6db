import { expect, test } from "vitest";
import { DEFAULT_OPTIONS } from "../src/engine";
import { asked, changesOf, DEFAULT_SETTINGS, hashOf, parseHash, type State } from "../src/state";
import { PAPER } from "../src/terms";

const base = { truths: [{ box: [0.5, 0.5, 0.2, 0.3], label: 3 } as const].map((t) => ({ ...t, box: [...t.box] as [number, number, number, number] })), raw: new Float32Array(180).fill(0.25), shown: [] as number[], settings: DEFAULT_SETTINGS };
const plain: State = {
  scene: 0, picture: null, own: null, layout: { grid: 3, boxes: 2, classes: 10, slots: 6 }, options: DEFAULT_OPTIONS, lambdas: { ...PAPER }, truths: base.truths,
  raw: base.raw, shown: [], selected: null, openTerm: null, openElements: [], arrows: false, rate: 0.02, generation: "v1", bug: null,
  language: "en", theme: "auto", hidden: [], tour: null, live: false,
};

test("what is as it was at the start is not in the address", () => {
  expect(hashOf(plain, base)).toBe("lang=en");
});

test("an address gives back what it was made of, to the last bit", () => {
  const raw = base.raw.slice();
  raw[7] = 0.1;
  raw[179] = -1 / 3;
  const truths = [{ box: [0.1, 0.2, 0.3, 0.4].map(Math.fround) as [number, number, number, number], label: 9 }];
  const state: State = {
    ...plain, scene: 2, picture: "_9j-4AAQ", layout: { grid: 7, boxes: 3, classes: 10, slots: 6 }, truths, raw, lambdas: { ...PAPER, noobj: 0, coord: 7.5 },
    options: { size_term: "linear", confidence_target: "one", class_term: "cross_entropy", size_encoding: "linear", penalty: "huber" }, shown: [4, 8], openTerm: "noobj", openElements: [3, 0],
    arrows: true, rate: 0.1, generation: "v8", bug: 5, language: "zh-TW", theme: "dark", hidden: ["pull", "tour"], tour: 2, live: true,
  };
  expect(parseHash(`#${hashOf(state, base)}`)).toEqual({
    scene: 2, picture: "_9j-4AAQ", grid: 7, boxes: 3, truths, changes: changesOf(raw, base.raw), lambdas: { noobj: 0, coord: 7.5 }, options: state.options,
    shown: [4, 8], openTerm: "noobj", openElements: [3, 0], arrows: true, rate: 0.1, generation: "v8", bug: 5, language: "zh-TW",
    theme: "dark", hidden: ["pull", "tour"], tour: 2, live: true,
  });
});

test("an own picture has its place, and a run its own settings", () => {
  const settings = { ...DEFAULT_SETTINGS, grid: 20, lambdas: { ...PAPER, coord: 40 } };
  const truths = [{ box: [0.5, 0.5, 0.25, 0.25] as [number, number, number, number], label: 19, ignored: true }];
  const state: State = { ...plain, own: 16, layout: { ...plain.layout, grid: 20, classes: 20 }, lambdas: settings.lambdas, truths };
  const hash = hashOf(state, { ...base, settings });
  expect(hash).toMatch(/^own=17&truths=[^&]+&lang=en$/);
  expect(parseHash(hash)).toEqual({ own: 16, truths, language: "en" });
  const shown = { ...base, settings, shown: [4, 7] };
  expect(hashOf({ ...state, shown: [4, 7] }, shown)).toBe(hash);
  expect(parseHash(hashOf(state, shown)).shown).toEqual([]);
  expect(parseHash("own=opened").own).toBe("opened");
  expect(parseHash("own=0").own).toBeUndefined();
});

test("no objects are not the same as the objects of the scene", () => {
  expect(parseHash(hashOf({ ...plain, truths: [] }, base)).truths).toEqual([]);
  expect(parseHash(hashOf(plain, base)).truths).toBeUndefined();
});

test.each([
  "S=three&B=-1&l.noobj=9999&raw=%%%&truths=abc", "raw=AAAA&truths=AAAA", "hide=all.nothing&lang=fr&theme=pink&loss=v9&picture=https://x.org/a.jpg", "l.coord=NaN&rate=&element=x",
])("what is malformed is left out: %s", (hash) => {
  expect(parseHash(hash)).toEqual({});
});

test("numbers that are not finite never enter", () => {
  const raw = base.raw.slice();
  raw[0] = Number.NaN;
  expect(parseHash(hashOf({ ...plain, raw }, base)).changes).toEqual([]);
});

test("an address may ask before and after its #; what is after it counts", () => {
  expect(parseHash(asked({ search: "?lang=zh-TW&tour=3", hash: "#tour=4" }))).toEqual({ language: "zh-TW", tour: 4 });
  expect(asked({ search: "", hash: "#lang=en&raw=A-_" })).toBe("lang=en&raw=A-_");
  expect(asked({ search: "", hash: "" })).toBe("");
});
