/** All that the page shows, and its form in the address. */
import { DEFAULT_OPTIONS, type Options } from "./engine";
import type { Box, Layout, Truth } from "./raw";
import { LAMBDAS, PAPER, type LambdaName, type TermName, TERMS } from "./terms";

/** Losses that can be compared; "run": the one of a trained network. */
const LOSSES = ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v10", "yolox", "run"];

export const GROUPS = ["scene", "values", "formula", "lambdas", "options", "pull", "generations", "bugs", "training", "tour"] as const;
export type Group = (typeof GROUPS)[number];
export type Language = "en" | "zh-TW";
export type Theme = "auto" | "light" | "dark";
export type Selected = { kind: "truth" | "pred"; index: number } | null;

export interface State {
  /** One that the page has; while `own` is null, it is shown. */
  scene: number;
  /** One of the reader's data, or the file that was opened. */
  own: number | "opened" | null;
  /** A picture that came with the address, in the place of the scene's: JPEG, as base64url. */
  picture: string | null;
  layout: Layout;
  options: Options;
  lambdas: Record<LambdaName, number>;
  truths: Truth[];
  raw: Float32Array;
  /** Cells whose boxes are shown although no object is in them. */
  shown: number[];
  selected: Selected;
  openTerm: TermName | null;
  /** Parts of the open term. */
  openElements: number[];
  arrows: boolean;
  rate: number;
  generation: string;
  bug: number | null;
  language: Language;
  theme: Theme;
  hidden: Group[];
  tour: number | null;
  /** Whether a server with the library is asked. */
  live: boolean;
}

/** What the numbers in an address are compared with: they are left out where they are those of the scene. */
export interface Base {
  truths: Truth[];
  raw: Float32Array;
  shown: number[];
  settings: Settings;
}

/** What a scene begins with. */
export interface Settings {
  grid: number;
  boxes: number;
  options: Options;
  lambdas: Record<LambdaName, number>;
}

/** What an address says; what it does not say stays as it is by default. */
export interface Address {
  scene?: number;
  own?: number | "opened";
  picture?: string;
  grid?: number;
  boxes?: number;
  options?: Partial<Options>;
  lambdas?: Partial<Record<LambdaName, number>>;
  truths?: Truth[];
  changes?: [number, number][];
  shown?: number[];
  openTerm?: TermName;
  openElements?: number[];
  arrows?: boolean;
  rate?: number;
  generation?: string;
  bug?: number;
  language?: Language;
  theme?: Theme;
  hidden?: Group[];
  tour?: number;
  live?: boolean;
}

export const DEFAULT_SETTINGS: Settings = { grid: 3, boxes: 2, options: DEFAULT_OPTIONS, lambdas: PAPER };
export const DEFAULT_RATE = 0.02;
export const MOST_LAMBDA = 10; // of a slider
const LARGEST_LAMBDA = 1000; // that a run may have
const NONE = "none";
const MOST_NUMBERS = 65_536; // of an output whose changes can be said

/** The options by their names in the address. */
const OPTIONS: [string, keyof Options, string[]][] = [
  ["roots", "size_term", ["sqrt", "linear"]],
  ["target", "confidence_target", ["iou", "one"]],
  ["classes", "class_term", ["squared_error", "cross_entropy"]],
  ["emits", "size_encoding", ["sqrt", "linear"]],
  ["penalty", "penalty", ["squared_error", "absolute_error", "huber"]],
];

export function hashOf(state: State, base: Base): string {
  const parts = new URLSearchParams();
  const say = (name: string, value: string | number, unless: string | number) => {
    if (value !== unless) parts.set(name, String(value));
  };
  const { settings } = base;
  if (state.own === null) say("scene", state.scene, 0);
  else parts.set("own", String(state.own === "opened" ? state.own : state.own + 1));
  say("picture", state.picture ?? "", "");
  say("S", state.layout.grid, settings.grid);
  say("B", state.layout.boxes, settings.boxes);
  for (const [name, key] of OPTIONS) say(name, state.options[key], settings.options[key]);
  for (const name of LAMBDAS) say(`l.${name}`, state.lambdas[name], settings.lambdas[name]);
  if (!sameTruths(state.truths, base.truths)) {
    // An ignored region has a negative label.
    parts.set("truths", toBase64(Float32Array.from(state.truths.flatMap((t) => [t.ignored ? -1 - t.label : t.label, ...t.box])).buffer));
  }
  const changes = changesOf(state.raw, base.raw);
  if (changes.length && state.raw.length <= MOST_NUMBERS) parts.set("raw", packChanges(changes));
  if (state.shown.join() !== base.shown.join()) parts.set("shown", state.shown.join(".") || NONE);
  say("term", state.openTerm ?? "", "");
  say("element", state.openElements.join("."), "");
  say("arrows", state.arrows ? 1 : 0, 0);
  say("rate", state.rate, DEFAULT_RATE);
  say("loss", state.generation, "v1");
  say("bug", state.bug ?? "", "");
  say("lang", state.language, "");
  say("theme", state.theme, "auto");
  if (state.hidden.length) parts.set("hide", state.hidden.join("."));
  say("tour", state.tour ?? "", "");
  say("engine", state.live ? "live" : "static", "static");
  return parts.toString();
}

/** What an address asks for: after its #, or after a ? as people write it, too. */
export function asked({ hash, search }: { hash: string; search: string }): string {
  return new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(search)), ...Object.fromEntries(new URLSearchParams(hash.replace(/^#/, ""))) }).toString();
}

/** Reads an address; what is malformed or out of range is left out. */
export function parseHash(hash: string): Address {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const address: Address = {};
  const number = (name: string, low: number, high: number): number | undefined => {
    const text = parts.get(name);
    const value = text === null || text === "" ? Number.NaN : Number(text);
    return value >= low && value <= high ? value : undefined;
  };
  const whole = (name: string, low: number, high: number) => {
    const value = number(name, low, high);
    return value !== undefined && Number.isInteger(value) ? value : undefined;
  };
  const wholes = (name: string) => (parts.get(name) || NONE).split(".").map(Number).filter((n) => Number.isInteger(n) && n >= 0);
  const word = <T extends string>(name: string, among: readonly T[]) => among.find((each) => each === parts.get(name));
  const put = <K extends keyof Address>(key: K, value: Address[K] | undefined) => {
    if (value !== undefined) address[key] = value;
  };
  put("scene", whole("scene", 0, 99));
  const place = whole("own", 1, 1e9); // people count from 1
  put("own", place === undefined ? word("own", ["opened"] as const) : place - 1);
  put("picture", parts.get("picture")?.match(/^[\w-]{1,60000}$/)?.[0]);
  put("grid", whole("S", 1, 99));
  put("boxes", whole("B", 1, 9));
  const options: Partial<Options> = {};
  for (const [name, key, among] of OPTIONS) {
    const value = word(name, among);
    if (value !== undefined) options[key] = value;
  }
  if (Object.keys(options).length) address.options = options;
  const lambdas: Partial<Record<LambdaName, number>> = {};
  for (const name of LAMBDAS) {
    const value = number(`l.${name}`, 0, LARGEST_LAMBDA);
    if (value !== undefined) lambdas[name] = value;
  }
  if (Object.keys(lambdas).length) address.lambdas = lambdas;
  put("truths", parseTruths(parts.get("truths")));
  put("changes", unpackChanges(parts.get("raw")));
  const shown = wholes("shown");
  if (shown.length || parts.get("shown") === NONE) address.shown = shown;
  put("openTerm", word("term", TERMS));
  const elements = wholes("element").filter((index) => index <= 9999);
  if (elements.length) address.openElements = elements;
  if (parts.get("arrows") === "1") address.arrows = true;
  put("rate", number("rate", 0.001, 1));
  put("generation", word("loss", LOSSES));
  put("bug", whole("bug", 0, 99));
  put("language", word("lang", ["en", "zh-TW"] as const));
  put("theme", word("theme", ["auto", "light", "dark"] as const));
  const hidden = parts.get("hide")?.split(".").filter((name): name is Group => GROUPS.some((group) => group === name));
  if (hidden?.length) address.hidden = hidden;
  put("tour", whole("tour", 0, 99));
  if (parts.get("engine") === "live") address.live = true;
  return address;
}

function sameTruths(a: Truth[], b: Truth[]): boolean {
  return (
    a.length === b.length &&
    a.every((t, i) => t.label === b[i]?.label && (t.ignored ?? false) === (b[i]?.ignored ?? false) && t.box.every((x, k) => Math.fround(x) === Math.fround(b[i]?.box[k] ?? NaN)))
  );
}

function parseTruths(text: string | null): Truth[] | undefined {
  const bytes = fromBase64(text);
  if (bytes === undefined || bytes.byteLength % 20 !== 0) return undefined;
  const numbers = new Float32Array(bytes);
  const truths: Truth[] = [];
  for (let i = 0; i < numbers.length; i += 5) {
    const [number, ...box] = Array.from(numbers.subarray(i, i + 5)) as [number, ...Box];
    const ignored = number < 0;
    const good = Number.isInteger(number) && box.every((x) => x >= 0 && x <= 1);
    if (good) truths.push(ignored ? { label: -1 - number, box, ignored } : { label: number, box });
  }
  return truths;
}

export function changesOf(raw: Float32Array, base: Float32Array): [number, number][] {
  const changes: [number, number][] = [];
  raw.forEach((value, index) => {
    if (value !== base[index]) changes.push([index, value]);
  });
  return changes;
}

function packChanges(changes: [number, number][]): string {
  const view = new DataView(new ArrayBuffer(6 * changes.length));
  changes.forEach(([index, value], i) => {
    view.setUint16(6 * i, index);
    view.setFloat32(6 * i + 2, value);
  });
  return toBase64(view.buffer);
}

function unpackChanges(text: string | null): [number, number][] | undefined {
  const bytes = fromBase64(text);
  if (bytes === undefined || bytes.byteLength % 6 !== 0) return undefined;
  const view = new DataView(bytes);
  return Array.from({ length: bytes.byteLength / 6 }, (_, i): [number, number] => [
    view.getUint16(6 * i),
    view.getFloat32(6 * i + 2),
  ]).filter(([, value]) => Number.isFinite(value));
}

/** For an <image>. */
export const pictureAddress = (picture: string) => `data:image/jpeg;base64,${picture.replaceAll("-", "+").replaceAll("_", "/")}`;

function toBase64(buffer: ArrayBufferLike): string {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64(text: string | null): ArrayBuffer | undefined {
  if (text === null) return undefined;
  try {
    const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer;
  } catch {
    return undefined;
  }
}
