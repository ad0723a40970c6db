/** Where numbers are in the raw output (S, S, 5B + C): each cell holds B times x, y, w, h, confidence, then C classes. */
export type Box = [number, number, number, number];

export interface Truth {
  box: Box;
  label: number;
  /** A region where nothing is expected of the boxes: a crowd, or a difficult object. */
  ignored?: boolean;
}

export interface Layout {
  grid: number;
  boxes: number;
  classes: number;
  /** The most objects. */
  slots: number;
}

export const channels = (layout: Layout) => 5 * layout.boxes + layout.classes;
export const rawLength = (layout: Layout) => layout.grid ** 2 * channels(layout);
export const predictors = (layout: Layout) => layout.grid ** 2 * layout.boxes;
export const cellOf = (layout: Layout, predictor: number) => Math.floor(predictor / layout.boxes);
export const boxOffset = (layout: Layout, predictor: number) =>
  cellOf(layout, predictor) * channels(layout) + 5 * (predictor % layout.boxes);
export const classOffset = (layout: Layout, cell: number) => cell * channels(layout) + 5 * layout.boxes;
export const rowCol = (layout: Layout, cell: number): [number, number] => [Math.floor(cell / layout.grid), cell % layout.grid];

/** The middle of a cell that is not taken, close to that of the picture; of that one if all are. */
export function freeCentre({ grid }: Pick<Layout, "grid">, taken: number[]): [number, number] {
  const centres = Array.from({ length: grid ** 2 }, (_, cell) => ({ cell, x: ((cell % grid) + 0.5) / grid, y: (Math.floor(cell / grid) + 0.5) / grid }));
  const away = ({ x, y }: { x: number; y: number }) => (x - 0.5) ** 2 + (y - 0.5) ** 2;
  const free = centres.filter(({ cell }) => !taken.includes(cell)).sort((a, b) => away(a) - away(b))[0];
  return free ? [free.x, free.y] : [0.5, 0.5];
}

export function boxAt(values: Float32Array, index: number): Box {
  return Array.from(values.subarray(4 * index, 4 * index + 4)) as Box;
}

export function confidenceAt(raw: Float32Array, layout: Layout, predictor: number): number {
  return raw[boxOffset(layout, predictor) + 4] as number;
}

export function classesAt(raw: Float32Array, layout: Layout, cell: number): Float32Array {
  const start = classOffset(layout, cell);
  return raw.subarray(start, start + layout.classes);
}

const SURE = 0.2; // confidence
const MOST_SHOWN = 5;

/** The cells with the most confident boxes, if these are confident at all. */
export function confidentCells(raw: Float32Array, layout: Layout): number[] {
  const best = Array.from({ length: layout.grid ** 2 }, (_, cell) => ({
    cell, confidence: Math.max(...Array.from({ length: layout.boxes }, (_, box) => confidenceAt(raw, layout, cell * layout.boxes + box))),
  }));
  return best.filter(({ confidence }) => confidence > SURE).sort((a, b) => b.confidence - a.confidence).slice(0, MOST_SHOWN).map(({ cell }) => cell);
}

/** A copy with the encoded numbers of some boxes put in. `encoded`: (A, 4), of all predictors. */
export function withBoxes(raw: Float32Array, layout: Layout, encoded: Float32Array, which: Iterable<number>): Float32Array {
  const copy = raw.slice();
  for (const predictor of which) {
    copy.set(encoded.subarray(4 * predictor, 4 * predictor + 4), boxOffset(layout, predictor));
  }
  return copy;
}

export function withConfidence(raw: Float32Array, layout: Layout, predictor: number, value: number): Float32Array {
  const copy = raw.slice();
  copy[boxOffset(layout, predictor) + 4] = value;
  return copy;
}

/** The class gets the score, the others share the rest. */
export function withClass(raw: Float32Array, layout: Layout, cell: number, label: number, score: number): Float32Array {
  const copy = raw.slice();
  copy.set(classScores(layout.classes, label, score), classOffset(layout, cell));
  return copy;
}

function classScores(classes: number, label: number, score: number): Float32Array {
  return new Float32Array(classes).fill((1 - score) / (classes - 1)).fill(score, label, label + 1);
}

// A network that has learned a little: of the boxes of a cell one is too narrow, one too wide, the others too small. The
// second of two fits better than the first as soon as it is moved onto the object.
const SHIFTS = [[0.13, -0.1], [-0.2, 0.14], [0.08, 0.2], [0.16, 0.16], [-0.18, -0.12]] as const;
const SCALES = [[0.8, 1.16], [1.25, 0.9], [0.7, 0.65], [0.6, 0.8], [0.55, 0.6]] as const;
const SHAPES = [[0.18, 0.3], [0.32, 0.2], [0.24, 0.24], [0.14, 0.2], [0.2, 0.14]] as const;
const CONFIDENCES = [0.62, 0.45, 0.3, 0.25, 0.2] as const;

export interface Start {
  /** (A, 4) to be encoded. */
  boxes: Float32Array;
  /** Confidences and classes; the boxes are still 0. */
  raw: Float32Array;
}

/** The predictions a scene begins with. `owners`: the truth of each cell that holds a centre. `error`: that of the first
 * box of such a cell in width and height, the same for large and small objects; half of it in x and y. `confidence`: of the same box. */
export function startOf(layout: Layout, owners: Map<number, Truth>, error?: number, confidence: number = CONFIDENCES[0]): Start {
  const boxes = new Float32Array(4 * predictors(layout));
  const raw = new Float32Array(rawLength(layout));
  for (let predictor = 0; predictor < predictors(layout); predictor++) {
    const cell = cellOf(layout, predictor);
    const [row, col] = rowCol(layout, cell);
    const each = predictor % layout.boxes;
    const truth = owners.get(cell);
    const [dx, dy] = SHIFTS[each] as [number, number];
    const [sx, sy] = SCALES[each] as [number, number];
    const [w, h] = SHAPES[each] as [number, number];
    const lean = cell % 2 ? -1 : 1; // not all objects are missed alike
    const box: Box = truth && error !== undefined && each === 0
      ? [truth.box[0] + error / 2, truth.box[1] + error / 2, truth.box[2] + error, truth.box[3] + error]
      : truth
        ? [truth.box[0] + lean * dx * truth.box[2], truth.box[1] + dy * truth.box[3], truth.box[2] * sx, truth.box[3] * (1 + (sy - 1) * (1 + (cell % 3) / 3))]
        : [(col + 0.5) / layout.grid, (row + 0.5) / layout.grid, w, h];
    boxes.set(box, 4 * predictor);
    raw[boxOffset(layout, predictor) + 4] = truth ? (each === 0 ? confidence : (CONFIDENCES[each] as number)) : 0.05 + ((predictor * 7) % 10) * 0.03;
    raw.set(classScores(layout.classes, truth ? truth.label : 0, truth ? 0.55 : 0.1), classOffset(layout, cell));
  }
  return { boxes, raw };
}
