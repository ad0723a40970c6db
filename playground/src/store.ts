/** The state, what the engine says of it, and what the reader can do. One computation at a time, of the newest state. */
import { pairsOf, type Pair } from "./elements";
import { happened } from "./happened";
import { codecGraph, floats, lossGraph, type Capabilities, type Engine, type Graph, type Options, type Outputs } from "./engine";
import * as rawOutput from "./raw";
import type { Box, Layout, Truth } from "./raw";
import { DEFAULT_OPTIONS, DEFAULT_RATE, hashOf, parseHash, type Address, type Base, type Group, type State } from "./state";
import type { Page } from "./tour_pages";
import { LAMBDA_OF, PAPER, TERMS, type SymbolName, type TermName } from "./terms";

export interface SceneFile {
  name: string;
  truths: Truth[];
  /** Of the predictions it begins with, the same for all objects. */
  error?: number;
}

/** What was computed, with the very state it was computed of. */
export interface Result {
  raw: Float32Array;
  truths: Truth[];
  layout: Layout;
  options: Options;
  lambdas: number[];
  weights: State["lambdas"];
  decoded: Float32Array;
  /** (A, M) of all predicted boxes with all slots for objects. */
  ious: Float32Array;
  /** Boxes after one gradient step of `ARROW_RATE`, for the arrows; null while they are off. */
  pulled: Float32Array | null;
  total: number;
  terms: number[];
  /** Each term with a weight of 1. */
  unweighted: number[];
  pairs: Pair[];
  outputs: Outputs;
}

/** What is pointed at: a symbol of the formula, a predicted box, or a cell. */
export type Pointed = { symbol: SymbolName; term?: TermName } | { predictor: number } | { cell: number } | null;

export const ARROW_RATE = 0.05;
const PAUSE_MS = 300;

export class Store {
  state!: State;
  result: Result | null = null;
  pointed: Pointed = null;
  /** Each term of each step of a descent, and the losses. */
  history: number[][] = [];
  descent: number[] = [];
  /** What was computed first of this picture. */
  began: Result | null = null;
  playing = false;
  stepsPerSecond = 8;
  error: string | null = null;
  /** What the reader has to know of the engine. */
  note: "noServer" | "reconnecting" | null = null;
  capabilities!: Capabilities;
  /** Computations finished so far. */
  updates = 0;
  /** What the reader did, for the tour. */
  readonly done = new Set<string>();

  private base!: Base;
  /** The predictions that were there at first. */
  private first!: Float32Array;
  private readonly listeners = new Set<() => void>();
  private readonly edits = new Map<number, Box>();
  private steps = 0;
  private dirty = false;
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private player: ReturnType<typeof setTimeout> | undefined;
  private written = "";

  constructor(
    readonly engine: Engine,
    readonly scenes: SceneFile[],
  ) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  /** Begin with what the address says. `seen`: called as soon as there is a picture to show, long before its numbers. */
  async open(hash: string, seen: () => void = () => {}): Promise<void> {
    this.capabilities = await this.engine.capabilities();
    await this.enter(parseHash(hash), seen);
    addEventListener("hashchange", () => {
      const now = location.hash.replace(/^#/, "");
      if (now !== this.written) void this.enter(parseHash(now));
    });
  }

  async enter(address: Address, seen?: () => void): Promise<void> {
    const { grids, boxes, classes } = this.capabilities;
    const among = (value: number | undefined, values: number[], fallback: number) =>
      value !== undefined && values.includes(value) ? value : fallback;
    const layout = { grid: among(address.grid, grids, 3), boxes: among(address.boxes, boxes, 2), classes };
    const scene = this.scenes[address.scene ?? 0] ? (address.scene ?? 0) : 0;
    if (seen) {
      this.base = { truths: (this.scenes[scene] as SceneFile).truths, raw: new Float32Array(rawOutput.rawLength(layout)) };
      this.state = this.stateOf(address, scene, layout);
      seen();
    }
    this.base = await this.fresh(scene, layout);
    this.pause();
    this.clearDescent();
    this.began = null;
    this.state = this.stateOf(address, scene, layout);
    this.first = this.state.raw;
    await this.compute();
  }

  private stateOf(address: Address, scene: number, layout: Layout): State {
    const { classes, slots } = this.capabilities;
    const raw = this.base.raw.slice();
    for (const [index, value] of address.changes ?? []) if (index < raw.length) raw[index] = value;
    const truths = (address.truths ?? this.base.truths).filter((truth) => truth.label < classes).slice(0, slots);
    return {
      scene,
      picture: address.picture ?? null,
      layout,
      options: { ...DEFAULT_OPTIONS, ...address.options },
      lambdas: { ...PAPER, ...address.lambdas },
      truths,
      raw,
      shown: (address.shown ?? []).filter((cell) => cell < layout.grid ** 2),
      selected: null,
      openTerm: address.openTerm ?? null,
      openElement: address.openElement ?? null,
      arrows: address.arrows ?? false,
      rate: address.rate ?? DEFAULT_RATE,
      generation: address.generation ?? "v1",
      bug: address.bug ?? null,
      language: address.language ?? (navigator.language.startsWith("zh") ? "zh-TW" : "en"),
      theme: address.theme ?? "auto",
      hidden: address.hidden ?? [],
      tour: address.tour ?? null,
      live: address.live ?? false,
    };
  }

  /** The truths of a scene and the predictions it begins with. */
  private async fresh(scene: number, layout: Layout): Promise<Base> {
    const { truths, error } = this.scenes[scene] as SceneFile;
    const [loss, codec] = await Promise.all([
      this.engine.load(lossGraph(layout.grid, layout.boxes, DEFAULT_OPTIONS)),
      this.engine.load(codecGraph(layout.grid, layout.boxes)),
    ]);
    // Which cell holds which centre is for the library to say: any prediction will do to ask.
    const asked = await loss.run(inputs(new Float32Array(rawOutput.rawLength(layout)), truths, [1, 1, 1, 1, 1], this.capabilities.slots));
    const owners = new Map(
      pairsOf(asked).map((pair) => [rawOutput.cellOf(layout, pair.predictor), truths[pair.object] as Truth]),
    );
    const start = rawOutput.startOf(layout, owners, error);
    const { encoded } = await coded(codec, start.raw, start.boxes, targetInputs(truths, this.capabilities.slots).boxes);
    const every = Array.from({ length: rawOutput.predictors(layout) }, (_, index) => index);
    return { truths, raw: rawOutput.withBoxes(start.raw, layout, encoded, every) };
  }

  // What the reader can do.

  set(patch: Partial<State>): void {
    this.state = { ...this.state, ...patch };
    this.changed();
  }

  point(pointed: Pointed): void {
    if (JSON.stringify(pointed) === JSON.stringify(this.pointed)) return;
    this.pointed = pointed;
    if (pointed && "symbol" in pointed) this.did(`point-${pointed.symbol === "root_hat" ? "root" : pointed.symbol}`);
    this.tell();
  }

  setNote(note: Store["note"]): void {
    this.note = note;
    this.tell();
  }

  fail(error: unknown): void {
    this.error = error instanceof Error ? error.message : String(error);
    this.tell();
  }

  did(what: string): void {
    if (this.done.has(what)) return;
    this.done.add(what);
    this.tell();
  }

  async chooseScene(scene: number): Promise<void> {
    this.state = { ...this.state, picture: null };
    await this.begin(scene, this.state.layout);
  }

  async chooseLayout(change: Partial<Pick<Layout, "grid" | "boxes">>): Promise<void> {
    await this.begin(this.state.scene, { ...this.state.layout, ...change }, this.state.truths);
  }

  async reset(): Promise<void> {
    await this.chooseScene(this.state.scene);
  }

  private async begin(scene: number, layout: Layout, truths?: Truth[]): Promise<void> {
    this.pause();
    this.base = await this.fresh(scene, layout);
    this.first = this.base.raw;
    this.clearDescent();
    this.edits.clear();
    if (truths === undefined) this.began = null;
    this.set({
      scene, layout, truths: truths ?? this.base.truths, raw: this.base.raw.slice(), shown: [], selected: null, openElement: null,
    });
  }

  moveTruth(index: number, box: Box): void {
    this.setTruth(index, { box: box.map(Math.fround) as Box }); // as the library and the address have it
  }

  setTruth(index: number, patch: Partial<Truth>): void {
    this.set({ truths: this.state.truths.map((truth, i) => (i === index ? { ...truth, ...patch } : truth)) });
  }

  addTruth(): void {
    const { truths } = this.state;
    if (truths.length >= this.capabilities.slots) return;
    const step = 0.06 * (truths.length % 4);
    this.set({
      truths: [...truths, { box: [0.44 + step, 0.44 + step, 0.22, 0.26], label: truths.length % this.capabilities.classes }],
      selected: { kind: "truth", index: truths.length },
    });
  }

  deleteTruth(index: number): void {
    this.set({ truths: this.state.truths.filter((_, i) => i !== index), selected: null });
  }

  movePrediction(index: number, box: Box): void {
    this.edits.set(index, box);
    this.changed();
  }

  setConfidence(predictor: number, value: number): void {
    this.set({ raw: rawOutput.withConfidence(this.state.raw, this.state.layout, predictor, value) });
  }

  setClass(cell: number, label: number, score: number): void {
    this.set({ raw: rawOutput.withClass(this.state.raw, this.state.layout, cell, label, score) });
  }

  toggleCell(cell: number): void {
    const { shown, layout } = this.state;
    const isShown = shown.includes(cell);
    if (!isShown && this.result && !this.result.pairs.some((pair) => rawOutput.cellOf(layout, pair.predictor) === cell)) this.did("empty-cell");
    this.set({
      shown: isShown ? shown.filter((each) => each !== cell) : [...shown, cell],
      selected: isShown ? null : { kind: "pred", index: cell * layout.boxes },
    });
  }

  /** A part of a term is opened, or closed. */
  openPart(index: number, term: TermName, predictor: number): void {
    const open = this.state.openElement === index;
    this.set({ openElement: open ? null : index });
    if (open) return;
    this.did("element");
    this.readOf.add(`${term} ${predictor}`);
    if ([...this.readOf].filter((each) => each.startsWith(`${term} `)).length > 1) this.did(`two-${term}`);
  }

  setLambda(name: keyof State["lambdas"], value: number): void {
    this.set({ lambdas: { ...this.state.lambdas, [name]: value } });
  }

  setOption(name: keyof Options, value: string): void {
    this.set({ options: { ...this.state.options, [name]: value }, openElement: null });
  }

  toggleGroup(group: Group): void {
    const { hidden } = this.state;
    this.set({ hidden: hidden.includes(group) ? hidden.filter((each) => each !== group) : [...hidden, group] });
  }

  /** Enter a page of the tour: the scene begins anew, as the page wants it. */
  async tourTo(index: number, page: Page): Promise<void> {
    for (const task of page.tasks) this.done.delete(task.done);
    this.readOf.clear();
    const layout = { ...this.state.layout, grid: page.grid ?? 3, boxes: page.boxes ?? 2 };
    this.state = {
      ...this.state, tour: index, picture: null, options: { ...DEFAULT_OPTIONS, ...page.options }, lambdas: { ...PAPER }, openTerm: page.openTerm ?? null,
      arrows: page.arrows ?? false, generation: page.generation ?? "v1",
    };
    await this.begin(page.scene, layout);
  }

  // Descent.

  step(): void {
    this.steps += 1;
    this.changed();
  }

  play(): void {
    this.playing = true;
    const next = () => {
      if (!this.playing) return;
      if (this.history.length >= 400) return this.pause();
      this.step();
      this.player = setTimeout(next, 1000 / this.stepsPerSecond);
    };
    next();
  }

  pause(): void {
    this.playing = false;
    clearTimeout(this.player);
    this.steps = 0;
    this.tell();
  }

  setSpeed(stepsPerSecond: number): void {
    this.stepsPerSecond = stepsPerSecond;
    this.tell();
  }

  /** Back to the predictions that were there at first; the truths stay. */
  restart(): void {
    this.pause();
    this.clearDescent();
    this.set({ raw: this.first.slice() });
  }

  /** Whether all that was asked has been computed. */
  get idle(): boolean {
    return !this.busy && !this.dirty && this.edits.size === 0 && this.steps === 0;
  }

  get hash(): string {
    return hashOf(this.state, this.base);
  }

  private changed(): void {
    this.dirty = true;
    this.tell();
    void this.compute();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.writeHash(), PAUSE_MS);
  }

  private writeHash(): void {
    this.written = this.hash;
    history.replaceState(null, "", `#${this.written}`);
  }

  private async compute(): Promise<void> {
    this.dirty = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.dirty) {
        this.dirty = false;
        await this.once();
        this.error = null;
        this.updates += 1;
        this.tell();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  private async once(): Promise<void> {
    const { layout, options } = this.state;
    const [loss, codec] = await Promise.all([
      this.engine.load(lossGraph(layout.grid, layout.boxes, options)),
      this.engine.load(codecGraph(layout.grid, layout.boxes)),
    ]);
    if (this.state.layout !== layout || this.state.options !== options) {
      this.dirty = true;
      return;
    }
    if (this.edits.size) await this.encodeEdits(codec);
    this.descend();
    const state = this.state;
    const lambdas = TERMS.map((term) => state.lambdas[LAMBDA_OF[term]]);
    const ones = lambdas.map(() => 1);
    const none = new Float32Array(4 * rawOutput.predictors(layout)).fill(0.5);
    const given = targetInputs(state.truths, this.capabilities.slots).boxes;
    const [outputs, plain, { decoded, iou }] = await Promise.all([
      loss.run(inputs(state.raw, state.truths, lambdas, this.capabilities.slots)),
      loss.run(inputs(state.raw, state.truths, ones, this.capabilities.slots)),
      coded(codec, state.raw, none, given),
    ]);
    const pulled = state.arrows ? (await coded(codec, after(state.raw, floats(outputs, "gradient_0"), ARROW_RATE), none, given)).decoded : null;
    this.result = {
      raw: state.raw, truths: state.truths, layout, options, lambdas, weights: state.lambdas, decoded, ious: iou, pulled, outputs,
      total: floats(outputs, "total")[0] as number,
      terms: Array.from(floats(outputs, "terms")),
      unweighted: Array.from(floats(plain, "terms")),
      pairs: pairsOf(outputs),
    };
    if (this.stepped) {
      this.history = [...this.history, this.result.terms];
      this.descent = [...this.descent, this.result.total];
      this.stepped = false;
    }
    if (this.began === null && this.state.raw === state.raw) this.began = this.result; // else of the picture before
    if (this.began) for (const each of happened(this.result, this.began, this.descent)) this.done.add(each);
  }

  private stepped = false;
  /** Terms and predictors whose parts were opened. */
  private readonly readOf = new Set<string>();

  private clearDescent(): void {
    this.history = [];
    this.descent = [];
  }

  private descend(): void {
    const { result, state } = this;
    if (this.steps === 0 || result === null) return;
    const same = result.raw === state.raw && result.truths === state.truths && result.weights === state.lambdas;
    if (!same) {
      this.dirty = true; // the gradient is of another output: step once it is known
      return;
    }
    this.steps -= 1;
    if (this.history.length === 0) [this.history, this.descent] = [[result.terms], [result.total]];
    this.state = { ...state, raw: after(state.raw, floats(result.outputs, "gradient_0"), state.rate) };
    this.stepped = true;
    if (this.steps > 0) this.dirty = true;
  }

  private async encodeEdits(codec: Graph): Promise<void> {
    const edits = new Map(this.edits);
    this.edits.clear();
    const { raw, layout } = this.state;
    const boxes = new Float32Array(4 * rawOutput.predictors(layout)).fill(0.5);
    for (const [predictor, box] of edits) boxes.set(box, 4 * predictor);
    const { encoded } = await coded(codec, raw, boxes, targetInputs([], this.capabilities.slots).boxes);
    this.state = { ...this.state, raw: rawOutput.withBoxes(this.state.raw, layout, encoded, edits.keys()) };
  }
}

export function after(raw: Float32Array, gradient: Float32Array, rate: number): Float32Array {
  return raw.map((value, index) => value - rate * (gradient[index] as number));
}

async function coded(codec: Graph, raw: Float32Array, boxes: Float32Array, truths: Float32Array) {
  const outputs = await codec.run({ raw, boxes, truths });
  return { decoded: floats(outputs, "decoded"), encoded: floats(outputs, "encoded"), iou: floats(outputs, "iou") };
}

export function targetInputs(truths: Truth[], slots: number) {
  const boxes = new Float32Array(4 * slots).fill(0.5);
  const labels = new BigInt64Array(slots);
  const mask = new Uint8Array(slots);
  truths.forEach((truth, index) => {
    boxes.set(truth.box, 4 * index);
    labels[index] = BigInt(truth.label);
    mask[index] = 1;
  });
  return { boxes, labels, mask };
}

function inputs(raw: Float32Array, truths: Truth[], lambdas: number[], slots: number) {
  return { raw_0: raw, ...targetInputs(truths, slots), lambdas: Float32Array.from(lambdas) };
}
