/** The state, what the engine says of it, and what the reader can do. One computation at a time, of the newest state. */
import { pairsOf, type Pair } from "./elements";
import { happened } from "./happened";
import { codecGraph, floats, lossGraph, type Capabilities, type Engine, type Graph, type OptionName, type Options, type Outputs, type OwnScene, type Values } from "./engine";
import * as rawOutput from "./raw";
import type { Box, Layout, Truth } from "./raw";
import { DEFAULT_RATE, DEFAULT_SETTINGS, hashOf, parseHash, type Address, type Base, type Group, type Settings, type State } from "./state";
import type { Page } from "./tour_pages";
import { LAMBDA_OF, LAMBDAS, PAPER, TERMS, type LambdaName, type SymbolName, type TermName } from "./terms";

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

/** What is to be shown. */
interface Beginning {
  scene: number;
  own: OwnScene | null;
  shape: Pick<Layout, "grid" | "boxes">;
  /** What of the state is not as it was. */
  patch?: Partial<Omit<State, "options">> & { options?: Partial<Options> };
  /** The truths stay as they are. */
  keep?: boolean;
  /** Of the first box of each object. */
  confidence?: number | undefined;
}

/** What is pointed at: a symbol of the formula, a predicted box, or a cell. */
export type Pointed = { symbol: SymbolName; term?: TermName } | { predictor: number } | { cell: number } | null;

export const ARROW_RATE = 0.05;
const PAUSE_MS = 300;
const PAIRS = ["pair_predictor", "pair_object", "pair_mask", "pair_iou"];

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
  /** Why a picture could not be opened. */
  refused: string | null = null;
  /** What the reader has to know of the engine. */
  note: "noServer" | "reconnecting" | "openedGone" | null = null;
  /** The picture of the reader's own that is shown; null while it is one of the page. */
  own: OwnScene | null = null;
  capabilities!: Capabilities;
  /** Computations finished so far. */
  updates = 0;
  /** What the reader did, for the tour. */
  readonly done = new Set<string>();
  private readonly doneOn = new Map<number, readonly string[]>(); // of the pages of the tour that were left

  private base!: Base;
  private opened: OwnScene | null = null;
  private turn = 0;
  /** The beginnings asked for so far, one after the other. */
  private begun: Promise<void> = Promise.resolve();
  private beginnings = 0; // that are not finished
  /** The predictions that were there at first, or before the descent. */
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
      if (now !== this.written) this.enter(parseHash(now)).catch((error: unknown) => this.fail(error));
    });
  }

  async enter(address: Address, seen?: () => void): Promise<void> {
    await this.inTurn(() => this.enterNow(address, seen));
  }

  private async enterNow(address: Address, seen?: () => void): Promise<void> {
    const own = await this.pictureOf(address.own);
    const settings = this.settingsOf(own);
    const among = (value: number | undefined, values: number[], fallback: number) =>
      value !== undefined && values.includes(value) ? value : fallback;
    const layout = this.layoutOf(own, {
      grid: among(address.grid, this.capabilities.grids, settings.grid),
      boxes: among(address.boxes, this.capabilities.boxes, settings.boxes),
    });
    const options = this.possible({ ...settings.options, ...address.options });
    const scene = this.scenes[address.scene ?? 0] ? (address.scene ?? 0) : 0;
    if (seen) {
      const { truths } = own ?? (this.scenes[scene] as SceneFile);
      this.base = { truths, raw: new Float32Array(rawOutput.rawLength(layout)), shown: [], settings };
      this.own = own;
      this.state = this.stateOf(address, scene, layout, options);
      seen();
    }
    this.base = await this.fresh(scene, own, layout, options);
    this.own = own;
    this.pause();
    this.clearDescent();
    this.began = null;
    this.state = this.stateOf(address, scene, layout, options);
    this.first = this.state.raw;
    await this.compute();
  }

  private stateOf(address: Address, scene: number, layout: Layout, options: Options): State {
    const { own, base } = this;
    const lost = address.own !== undefined && own === null; // its boxes are of no use for another picture
    const raw = base.raw.slice();
    for (const [index, value] of (!lost && address.changes) || []) if (index < raw.length) raw[index] = value;
    const truths = ((!lost && address.truths) || base.truths).filter((truth) => truth.label < layout.classes).slice(0, layout.slots);
    return {
      scene,
      picture: own === null ? (address.picture ?? null) : null,
      own: placeOf(own),
      layout,
      options,
      lambdas: { ...base.settings.lambdas, ...address.lambdas },
      truths,
      raw,
      shown: (address.shown ?? base.shown).filter((cell) => cell < layout.grid ** 2),
      selected: null,
      openTerm: address.openTerm ?? null,
      openElements: address.openElements ?? [],
      arrows: address.arrows ?? false,
      rate: address.rate ?? DEFAULT_RATE,
      generation: this.generationOf(own, address.generation ?? "v1"),
      bug: address.bug ?? null,
      language: address.language ?? (navigator.language.startsWith("zh") ? "zh-TW" : "en"),
      theme: address.theme ?? "auto",
      hidden: address.hidden ?? [],
      tour: address.tour ?? null,
      live: address.live ?? false,
    };
  }

  /** The picture that an address names; null for none, and for one that there is not any more. */
  private async pictureOf(picture: Address["own"]): Promise<OwnScene | null> {
    if (picture === undefined || this.engine.own === undefined) return null;
    try {
      if (picture === "opened") {
        if (this.opened === null) this.note = "openedGone";
        return this.opened;
      }
      return this.capabilities.pictures ? await this.engine.own.scene(picture) : null;
    } catch (error) {
      this.refused = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  /** What a picture begins with: with a run, the run's own. */
  private settingsOf(own: OwnScene | null): Settings {
    const { run } = this.capabilities;
    if (own === null || run?.grid === undefined) return DEFAULT_SETTINGS;
    return { grid: run.grid, boxes: run.boxes as number, options: run.options as Options, lambdas: run.lambdas as Settings["lambdas"] };
  }

  private layoutOf(own: OwnScene | null, { grid, boxes }: Pick<Layout, "grid" | "boxes">): Layout {
    const { classes, slots, class_names } = this.capabilities;
    return own === null ? { grid, boxes, classes, slots } : { grid, boxes, classes: class_names.length, slots: own.slots };
  }

  /** What the engine has no choice of has its default. */
  private possible(options: Options): Options {
    const entries = Object.entries(options).map(([name, value]) => {
      const values = this.capabilities.options[name as keyof Options];
      return [name, values?.includes(value) ? value : DEFAULT_SETTINGS.options[name as keyof Options]];
    });
    return Object.fromEntries(entries) as Options;
  }

  /** The losses that can be compared; that of a run on its own pictures only. */
  generations(own: OwnScene | null): string[] {
    const { losses, run } = this.capabilities;
    return run !== null && run.grid === undefined && own !== null ? [...losses, "run"] : losses;
  }

  private generationOf(own: OwnScene | null, wanted: string): string {
    return this.generations(own).includes(wanted) ? wanted : "v1";
  }

  /** Whether the predicted boxes began as what the network of the run emits. */
  get emitted(): boolean {
    return this.own?.raw != null && this.base.raw === this.own.raw;
  }

  /** The name of a class in the picture that is shown. */
  className(label: number): string {
    return (this.own === null ? undefined : this.capabilities.class_names[label]) ?? String(label);
  }

  /** The truths of a scene and the predictions it begins with. `confidence`: of the first box of each object. */
  private async fresh(scene: number, own: OwnScene | null, layout: Layout, options: Options, confidence?: number): Promise<Base> {
    const { truths, error }: { truths: Truth[]; error?: number } = own ?? (this.scenes[scene] as SceneFile);
    const settings = this.settingsOf(own);
    const asRun = layout.grid === settings.grid && layout.boxes === settings.boxes && options.size_encoding === settings.options.size_encoding;
    if (own?.raw && asRun) return { truths, raw: own.raw, shown: rawOutput.confidentCells(own.raw, layout), settings };
    const [loss, codec] = await Promise.all([this.engine.load(lossGraph(layout, options)), this.engine.load(codecGraph(layout, options))]);
    // Which cell holds which centre is for the library to say: any prediction will do to ask.
    const asked = await loss.run(inputs(loss, new Float32Array(rawOutput.rawLength(layout)), truths, [1, 1, 1, 1, 1], layout.slots), { wanted: PAIRS });
    const owners = new Map(
      pairsOf(asked).map((pair) => [rawOutput.cellOf(layout, pair.predictor), truths[pair.object] as Truth]),
    );
    const start = rawOutput.startOf(layout, owners, error, confidence);
    const encoded = await encodedOf(codec, start.raw, start.boxes, layout.slots);
    const every = Array.from({ length: rawOutput.predictors(layout) }, (_, index) => index);
    return { truths, raw: rawOutput.withBoxes(start.raw, layout, encoded, every), shown: [], settings };
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
    await this.begin(() => {
      const { grid, boxes } = this.state.layout;
      const within = this.capabilities.grids.includes(grid) ? grid : DEFAULT_SETTINGS.grid;
      return { scene, own: null, shape: { grid: within, boxes } };
    });
  }

  /** A picture of the reader's data, by number or name. */
  async choosePicture(which: number | string): Promise<void> {
    await this.show(() => (this.engine.own as NonNullable<Engine["own"]>).scene(which));
  }

  /** A file of the reader's. */
  async openFile(file: Blob): Promise<void> {
    await this.show(async () => (this.opened = await (this.engine.own as NonNullable<Engine["own"]>).open(file)));
  }

  refuse(why: string | null): void {
    this.refused = why;
    this.tell();
  }

  private async show(load: () => Promise<OwnScene>): Promise<void> {
    const turn = (this.turn += 1);
    let own: OwnScene;
    this.beginnings += 1;
    try {
      own = await load();
    } catch (error) {
      return this.refuse(error instanceof Error ? error.message : String(error));
    } finally {
      this.beginnings -= 1;
    }
    if (turn !== this.turn) return; // another one was chosen meanwhile
    await this.begin(() => {
      const { grid, boxes, options, lambdas } = this.own === null ? this.settingsOf(own) : { ...this.state, ...this.state.layout };
      return { scene: this.state.scene, own, shape: { grid, boxes }, patch: { options: this.possible(options), lambdas } };
    });
    this.refuse(null);
    if (this.note === "openedGone") this.setNote(null);
  }

  async chooseLayout(change: Partial<Pick<Layout, "grid" | "boxes">>): Promise<void> {
    await this.begin(() => this.again(change));
  }

  async reset(): Promise<void> {
    if (this.own === null) await this.chooseScene(this.state.scene);
    else await this.begin(() => ({ scene: this.state.scene, own: this.own, shape: this.state.layout }));
  }

  /** The picture that is shown, with its truths as they are. */
  private again(shape: Partial<Pick<Layout, "grid" | "boxes">>): Beginning {
    const { scene, layout } = this.state;
    return { scene, own: this.own, shape: { ...layout, ...shape }, keep: true };
  }

  /** Begin with what `make` says when its turn has come. */
  private async begin(make: () => Beginning): Promise<void> {
    this.turn += 1;
    this.pause();
    await this.inTurn(() => this.beginNow(make())).catch((error: unknown) => this.fail(error));
  }

  /** One after the other, each from what the one before left, so that no choice of the reader's is lost. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.beginnings += 1;
    const done = this.begun.then(work).finally(() => (this.beginnings -= 1));
    this.begun = done.catch(() => {});
    return done;
  }

  private async beginNow({ scene, own, shape, patch, keep, confidence }: Beginning): Promise<void> {
    const layout = this.layoutOf(own, shape);
    const options = { ...this.state.options, ...patch?.options };
    const base = await this.fresh(scene, own, layout, options);
    // Not a part of the base: a link has to bring it back.
    const first = confidence === undefined ? base.raw : (await this.fresh(scene, own, layout, options, confidence)).raw;
    this.base = base;
    this.first = first;
    this.own = own;
    this.clearDescent();
    this.edits.clear();
    if (!keep) this.began = null;
    const { state } = this; // also with what was chosen meanwhile
    this.set({
      scene, own: placeOf(own), ...(own && { picture: null }), layout, truths: keep ? state.truths : base.truths, raw: first.slice(), shown: base.shown, selected: null,
      openElements: [], generation: this.generationOf(own, state.generation), ...patch, options: { ...state.options, ...patch?.options },
    });
  }

  moveTruth(index: number, box: Box): void {
    this.setTruth(index, { box: box.map(Math.fround) as Box }); // as the library and the address have it
  }

  setTruth(index: number, patch: Partial<Truth>): void {
    this.set({ truths: this.state.truths.map((truth, i) => (i === index ? { ...truth, ...patch } : truth)) });
  }

  addTruth(): void {
    const { truths, layout } = this.state;
    if (truths.length >= layout.slots) return;
    const taken = (this.result?.pairs ?? []).map((pair) => rawOutput.cellOf(layout, pair.predictor));
    const [x, y] = rawOutput.freeCentre(layout, taken);
    this.set({
      truths: [...truths, { box: [x, y, 0.22, 0.26].map(Math.fround) as Box, label: truths.length % layout.classes }],
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
    const { openElements } = this.state;
    const open = openElements.includes(index);
    this.set({ openElements: open ? openElements.filter((each) => each !== index) : [...openElements, index] });
    if (open) return;
    this.did("element");
    this.readOf.add(`${term} ${predictor}`);
    if ([...this.readOf].filter((each) => each.startsWith(`${term} `)).length > 1) this.did(`two-${term}`);
  }

  setLambda(name: keyof State["lambdas"], value: number): void {
    this.set({ lambdas: { ...this.state.lambdas, [name]: value } });
  }

  setOption(name: keyof Options, value: string): void {
    if (name === "size_encoding") { // the output has another meaning: it begins anew
      return void this.begin(() => ({ ...this.again({}), patch: { options: { [name]: value } } }));
    }
    return this.set({ options: { ...this.state.options, [name]: value }, openElements: [] });
  }

  toggleGroup(group: Group): void {
    const { hidden } = this.state;
    this.set({ hidden: hidden.includes(group) ? hidden.filter((each) => each !== group) : [...hidden, group] });
  }

  /** What differs from the formula of the paper: options and weights. */
  get variants(): (OptionName | LambdaName)[] {
    const { options, lambdas } = this.state;
    // How the network emits a size is no part of the loss.
    const changed = (Object.keys(options) as OptionName[]).filter((name) => name !== "size_encoding" && options[name] !== DEFAULT_SETTINGS.options[name]);
    return [...changed, ...LAMBDAS.filter((name) => lambdas[name] !== PAPER[name])];
  }

  /** The formula of the paper; the boxes stay. */
  asPaper(): void {
    const { size_encoding } = this.state.options;
    this.set({ options: { ...DEFAULT_SETTINGS.options, size_encoding }, lambdas: { ...PAPER }, openElements: [] });
  }

  /** What the last page had set does not stay. */
  endTour(): void {
    this.state = { ...this.state, tour: null };
    this.asPaper();
  }

  /** Enter a page of the tour: the scene begins anew, as the page wants it. */
  async tourTo(index: number, page: Page): Promise<void> {
    if (this.state.tour === null) this.doneOn.clear();
    else this.doneOn.set(this.state.tour, [...this.done]);
    this.done.clear();
    for (const each of this.doneOn.get(index) ?? []) this.done.add(each);
    this.readOf.clear();
    this.state = {
      ...this.state, tour: index, picture: null, options: { ...DEFAULT_SETTINGS.options, ...page.options }, lambdas: { ...PAPER }, openTerm: page.openTerm ?? null,
      arrows: page.arrows ?? false, generation: page.generation ?? "v1",
    };
    const shape = { grid: page.grid ?? 3, boxes: page.boxes ?? 2 };
    const { options, lambdas } = this.state;
    await this.begin(() => ({ scene: page.scene, own: null, shape, patch: { options, lambdas }, confidence: page.confidence }));
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

  /** Back to the predictions that were there before the descent; the truths stay. */
  restart(): void {
    this.pause();
    this.clearDescent();
    this.set({ raw: this.first.slice() });
  }

  /** Whether all that was asked has been computed. */
  get idle(): boolean {
    return this.beginnings === 0 && !this.busy && !this.dirty && this.edits.size === 0 && this.steps === 0;
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
    const [loss, codec] = await Promise.all([this.engine.load(lossGraph(layout, options)), this.engine.load(codecGraph(layout, options))]);
    if (this.state.layout !== layout || this.state.options !== options) {
      this.dirty = true;
      return;
    }
    if (this.edits.size) await this.encodeEdits(codec);
    this.descend();
    const state = this.state;
    const lambdas = TERMS.map((term) => state.lambdas[LAMBDA_OF[term]]);
    const given = targetInputs(state.truths, layout.slots).boxes;
    const [outputs, { decoded, iou }] = await Promise.all([
      loss.run(inputs(loss, state.raw, state.truths, lambdas, layout.slots)),
      decodedOf(codec, state.raw, given),
    ]);
    const pulled = state.arrows ? (await decodedOf(codec, after(state.raw, floats(outputs, "gradient_0"), ARROW_RATE), given)).decoded : null;
    this.result = {
      raw: state.raw, truths: state.truths, layout, options, lambdas, weights: state.lambdas, decoded, ious: iou, pulled, outputs,
      total: floats(outputs, "total")[0] as number,
      terms: Array.from(floats(outputs, "terms")),
      unweighted: Array.from(floats(outputs, "unweighted")),
      pairs: pairsOf(outputs),
    };
    if (this.stepped) {
      this.history = [...this.history, this.result.terms];
      this.descent = [...this.descent, this.result.total];
      this.stepped = false;
    }
    if (this.began === null && this.state.raw === state.raw) this.began = this.result; // else of the picture before
    if (this.began) this.judge(this.result, this.began);
  }

  private judge(now: Result, began: Result): void {
    for (const each of happened(now, began, this.descent, this.held)) this.done.add(each);
  }

  /** Whether something is being dragged: what is only passed by is not done. */
  hold(held: boolean): void {
    this.held = held;
    if (held || this.result === null || this.began === null || !this.idle) return; // else it is judged when computed
    this.judge(this.result, this.began);
    this.tell();
  }

  private held = false;

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
    if (this.history.length === 0) {
      this.first = state.raw;
      [this.history, this.descent] = [[result.terms], [result.total]];
    }
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
    const encoded = await encodedOf(codec, raw, boxes, layout.slots);
    this.state = { ...this.state, raw: rawOutput.withBoxes(this.state.raw, layout, encoded, edits.keys()) };
  }
}

export function after(raw: Float32Array, gradient: Float32Array, rate: number): Float32Array {
  return raw.map((value, index) => value - rate * (gradient[index] as number));
}

/** What the raw output means, and how well it fits. */
async function decodedOf(codec: Graph, raw: Float32Array, truths: Float32Array): Promise<{ decoded: Float32Array; iou: Float32Array }> {
  const boxes = new Float32Array(codec.entry.inputs["boxes"]?.reduce((a, b) => a * b, 1) ?? 0).fill(0.5);
  const outputs = await codec.run({ raw, boxes, truths }, { wanted: ["decoded", "iou"] });
  return { decoded: floats(outputs, "decoded"), iou: floats(outputs, "iou") };
}

/** What a network would have to emit for the boxes. */
async function encodedOf(codec: Graph, raw: Float32Array, boxes: Float32Array, slots: number): Promise<Float32Array> {
  const { boxes: truths } = targetInputs([], slots);
  return floats(await codec.run({ raw, boxes, truths }, { wanted: ["encoded"] }), "encoded");
}

export function targetInputs(truths: Truth[], slots: number) {
  const boxes = new Float32Array(4 * slots).fill(0.5);
  const labels = new BigInt64Array(slots);
  const mask = new Uint8Array(slots);
  const ignore = new Uint8Array(slots);
  truths.forEach((truth, index) => {
    boxes.set(truth.box, 4 * index);
    labels[index] = BigInt(truth.label);
    mask[index] = 1;
    ignore[index] = truth.ignored ? 1 : 0;
  });
  return { boxes, labels, mask, ignore };
}

/** The truths for a graph: only some know regions that are ignored. */
export function truthInputs(graph: Graph, truths: Truth[], slots: number): Record<string, Values> {
  const { ignore, ...rest } = targetInputs(truths, slots);
  return "ignore" in graph.entry.inputs ? { ...rest, ignore } : rest;
}

function inputs(graph: Graph, raw: Float32Array, truths: Truth[], lambdas: number[], slots: number): Record<string, Values> {
  return { raw_0: raw, ...truthInputs(graph, truths, slots), lambdas: Float32Array.from(lambdas) };
}

const placeOf = (own: OwnScene | null) => (own === null ? null : (own.number ?? "opened"));
