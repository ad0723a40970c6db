import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { floats, integers, type TrainingLine } from "../src/engine";
import { LiveEngine, type Socket } from "../src/live";

class Fake implements Socket {
  static all: Fake[] = [];
  sent: { id: number; do: string; [name: string]: unknown }[] = [];
  files: Uint8Array[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    Fake.all.push(this);
  }

  send(message: string | Uint8Array): void {
    if (typeof message === "string") this.sent.push(JSON.parse(message));
    else this.files.push(message);
  }

  close(): void {
    this.onclose?.();
  }

  get last() {
    return this.sent.at(-1) as Fake["sent"][number];
  }

  async reply(message: object): Promise<void> {
    await settled();
    this.onmessage?.({ data: JSON.stringify({ id: this.last.id, ...message }) });
    await settled();
  }
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const newest = () => Fake.all.at(-1) as Fake;
const packed = (...numbers: number[]) => Buffer.from(Float32Array.of(...numbers).buffer).toString("base64");
const ENTRY = { inputs: { raw: [1, 2] }, outputs: ["total", "pair_mask"], terms: [], lambdas: [] };

async function begun(): Promise<{ engine: LiveEngine; socket: Fake }> {
  const engine = new LiveEngine(() => new Fake());
  const begin = engine.begin();
  newest().onopen?.();
  await begin;
  return { engine, socket: newest() };
}

async function loaded() {
  const { engine, socket } = await begun();
  const load = engine.load("codec-3-2");
  await socket.reply({ entry: ENTRY });
  return { engine, socket, graph: await load };
}

beforeEach(() => {
  vi.useFakeTimers();
  Fake.all = [];
});
afterEach(() => vi.useRealTimers());

test("numbers go out as float32 and come back, NaN too", async () => {
  const { socket, graph } = await loaded();
  expect(graph.entry).toEqual(ENTRY);
  const run = graph.run({ raw: Float32Array.of(0.5, -1), labels: BigInt64Array.of(7n) });
  await settled();
  expect(socket.last).toMatchObject({ do: "run", graph: "codec-3-2", packed: true, inputs: { raw: packed(0.5, -1), labels: packed(7) } });
  await socket.reply({ outputs: { total: { shape: [2], data: packed(0.25, NaN) }, pair_mask: { shape: [2], data: packed(1, 0) } } });
  const outputs = await run;
  expect(Array.from(floats(outputs, "total"))).toEqual([0.25, Number.NaN]);
  expect(integers(outputs, "pair_mask")).toEqual([1, 0]);
});

test("what is asked at once goes out together, and each gets its own reply", async () => {
  const { socket, graph } = await loaded();
  const [first, wrong] = [1, 2].map((value) => graph.run({ raw: Float32Array.of(value) }));
  const refused = expect(wrong).rejects.toThrow("raw: expected");
  await settled();
  expect(socket.sent).toHaveLength(2); // the graph, and both runs
  expect(socket.last).toMatchObject({ do: "all", messages: [{ do: "run", inputs: { raw: packed(1) } }, { do: "run", inputs: { raw: packed(2) } }] });
  const later = graph.run({ raw: Float32Array.of(3) });
  await settled();
  expect(socket.sent).toHaveLength(2); // one message at a time
  await socket.reply({ replies: [{ outputs: { total: { data: packed(10) } } }, { error: "raw: expected 2 numbers" }] });
  expect((await first)?.["total"]?.[0]).toBe(10);
  await refused;
  expect(socket.last).toMatchObject({ do: "run", inputs: { raw: packed(3) } });
  await socket.reply({ outputs: { total: { data: packed(30) } } });
  expect((await later)["total"]?.[0]).toBe(30);
});

test("to train and to stop are messages of their own", async () => {
  const { engine, socket, graph } = await loaded();
  const runs = [1, 2].map((value) => graph.run({ raw: Float32Array.of(value) }));
  const stop = engine.trainer.stop();
  await socket.reply({ replies: runs.map(() => ({ outputs: { total: { data: packed(1) } } })) });
  await Promise.all(runs);
  expect(socket.last).toEqual({ id: 3, do: "stop" });
  await socket.reply({ training: "stopped" });
  await stop;
});

test("a graph is asked for once", async () => {
  const { engine, socket, graph } = await loaded();
  expect(await engine.load("codec-3-2")).toBe(graph);
  expect(socket.sent).toHaveLength(1);
});

test("an error of the server is the error of the call", async () => {
  const { engine, socket } = await begun();
  const load = expect(engine.load("v2")).rejects.toThrow("graph: expected");
  await socket.reply({ error: "graph: expected codec-S-B" });
  await load;
});

test("what was overtaken is asked again, and nobody is told", async () => {
  const { socket, graph } = await loaded();
  const run = graph.run({ raw: Float32Array.of(1) });
  await settled();
  const first = socket.last.id;
  await socket.reply({ error: "overtaken" });
  expect(socket.last).toMatchObject({ do: "run", inputs: { raw: packed(1) } });
  expect(socket.last.id).not.toBe(first);
  await socket.reply({ outputs: { total: { data: packed(3) } } });
  expect((await run)["total"]?.[0]).toBe(3);
});

test("after a lost connection it connects again and asks what had no reply", async () => {
  const { engine, socket, graph } = await loaded();
  const told: boolean[] = [];
  engine.onConnection = (there) => told.push(there);
  const run = graph.run({ raw: Float32Array.of(1) });
  await settled();
  socket.close();
  await vi.advanceTimersByTimeAsync(500);
  newest().close(); // the first attempt fails
  await vi.advanceTimersByTimeAsync(1000);
  expect(Fake.all).toHaveLength(3);
  newest().onopen?.();
  await settled();
  expect(told).toEqual([false, true]);
  await newest().reply({ outputs: { total: { data: packed(4) } } });
  expect((await run)["total"]?.[0]).toBe(4);
});

test("a request that three connections do not survive fails", async () => {
  const { graph } = await loaded();
  const run = expect(graph.run({ raw: Float32Array.of(1) })).rejects.toThrow("does not reply");
  for (let connection = 0; connection < 3; connection++) {
    await vi.advanceTimersByTimeAsync(20_000); // without a reply
    await vi.advanceTimersByTimeAsync(500);
    newest().onopen?.();
    await settled();
  }
  await run;
});

test("where no server answers, the first connection fails and is not tried again", async () => {
  const engine = new LiveEngine(() => new Fake());
  const begin = expect(engine.begin()).rejects.toThrow("no server");
  await vi.advanceTimersByTimeAsync(3000);
  await begin;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Fake.all).toHaveLength(1);
});

test("lines of a training go to who watches, also while something is asked", async () => {
  const { engine, socket, graph } = await loaded();
  const lines: TrainingLine[] = [];
  const start = engine.trainer.start([{ coord: 5, noobj: 0.5 }, { coord: 5, noobj: 5 }], 2, (line) => lines.push(line));
  await settled();
  expect(socket.last).toMatchObject({
    do: "train", minutes: 2, settings: [{ lambda_coord: 5, lambda_noobj: 0.5 }, { lambda_coord: 5, lambda_noobj: 5 }],
  });
  await socket.reply({ training: "started" });
  await start;
  const run = graph.run({ raw: Float32Array.of(1) });
  const line = { training: 1, step: 10, unweighted: { xy: 1 } };
  socket.onmessage?.({ data: JSON.stringify(line) });
  await socket.reply({ outputs: { total: { data: packed(1) } } });
  await run;
  expect(lines).toEqual([line]);
  socket.close();
  expect(lines.slice(1)).toEqual([{ training: 0, ended: true }, { training: 1, ended: true }]);
});

test("a file goes out as bytes behind its number, alone, and its scene comes back", async () => {
  const { engine, socket, graph } = await loaded();
  const run = graph.run({ raw: Float32Array.of(1) });
  const opened = engine.own.open(new Blob([Uint8Array.of(7, 8, 9)]));
  await settled();
  await socket.reply({ outputs: { total: { data: packed(1) } } });
  await run;
  await settled();
  expect(socket.files.map((file) => Array.from(file))).toEqual([[0, 0, 0, 3, 7, 8, 9]]);
  const scene = { name: "", number: null, picture: "data:", truths: [], left_out: 0, slots: 8 };
  socket.onmessage?.({ data: JSON.stringify({ id: 3, scene: { ...scene, raw: packed(0.5, 2) } }) });
  expect(await opened).toEqual({ ...scene, raw: Float32Array.of(0.5, 2) });
});

test("what is asked of a graph beside its inputs is passed on", async () => {
  const { socket, graph } = await loaded();
  void graph.run({}, { wanted: ["terms"], rawOf: 4 });
  await settled();
  expect(socket.last).toMatchObject({ inputs: {}, wanted: ["terms"], raw_of: 4 });
});
