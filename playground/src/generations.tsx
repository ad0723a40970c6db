/** The same true boxes under later losses: which predictors become positive, with which weight. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useStore, useWords, Value } from "./context";
import { Choice } from "./controls";
import { pairsOf } from "./elements";
import { floats, integers, laterGraph, type Asked, type Engine } from "./engine";
import { boxAt, type Layout, type Truth } from "./raw";
import { corners } from "./scene";
import { truthInputs } from "./store";
import { fill } from "./words";

export interface Positive {
  object: number;
  x: number;
  y: number;
  /** Of the box term, relative to the largest. */
  weight: number;
  /** 0: the head that detects; 1: the second head of v10, with many for each object. */
  head: number;
}

export interface Positives {
  all: number;
  list: Positive[];
  /** What each term comes to. */
  terms: [string, number][];
}

/** The terms whose weights count. */
const BOX_TERM = /(^|_)(xy|box)$/;
const PAIRS = ["pair_predictor", "pair_object", "pair_mask", "pair_iou"];

/** `picture`: the one that a network of a run looked at; without, the network knows nothing yet. */
export async function positivesOf(engine: Engine, generation: string, truths: Truth[], layout: Layout, picture?: number | "opened"): Promise<Positives> {
  const key = laterGraph(generation, layout);
  const [loss, decoder] = await Promise.all([engine.load(key), engine.load(`${key}-decode`)]);
  const boxTerms = loss.entry.terms.filter((term) => BOX_TERM.test(term));
  const wanted = [...PAIRS, "terms", ...boxTerms.flatMap((term) => [`${term}_predictor`, `${term}_weight`])];
  // A live engine has the output itself.
  const zeros = Object.entries(loss.entry.inputs).filter(([name]) => name.startsWith("raw_")).map(([name, shape]) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1))]);
  const raw = engine.own ? {} : Object.fromEntries(zeros) as Record<string, Float32Array>;
  const asked: Asked = picture === undefined ? {} : { rawOf: picture };
  const [outputs, decoded] = await Promise.all([
    loss.run({ ...raw, ...truthInputs(loss, truths, layout.slots), lambdas: Float32Array.from(loss.entry.lambdas) }, { ...asked, wanted }),
    decoder.run(raw, { ...asked, wanted: ["boxes"] }),
  ]);
  const places = floats(decoded, "boxes");
  const all = places.length / 4;
  const weights = new Map<number, number>();
  for (const term of boxTerms) {
    const predictor = integers(outputs, `${term}_predictor`);
    const weight = floats(outputs, `${term}_weight`);
    const parts = weight.length / predictor.length;
    predictor.forEach((each, index) => {
      const value = weight[index * parts] as number;
      if (value > 0) weights.set(each, value);
    });
  }
  const largest = Math.max(...weights.values(), 1e-12);
  const list = pairsOf(outputs).map(({ object, predictor }) => {
    const [x, y] = boxAt(places, predictor % all);
    return { object, x, y, weight: (weights.get(predictor) ?? 0) / largest, head: Math.floor(predictor / all) };
  });
  const values = floats(outputs, "terms");
  return { all, list, terms: loss.entry.terms.map((name, index) => [name, values[index] as number]) };
}

export function Generations({ picture }: { picture: string }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { generation } = store.state;
  // Of the last result, so that a drag asks no faster than the engine computes.
  const { truths, layout } = store.result ?? store.state;
  const { own } = store;
  const { run } = store.capabilities;
  const ofRun = generation === "run";
  const [found, setFound] = useState<{ of: string; positives: Positives } | null>(null);
  const values = store.generations(own);
  useEffect(() => {
    if (generation === "v1" || store.result === null) return; // first the numbers of the page
    let current = true;
    positivesOf(store.engine, generation, truths, layout, ofRun && own ? (own.number ?? "opened") : undefined)
      .then((positives) => current && setFound({ of: generation, positives }))
      .catch((error: unknown) => store.fail(error));
    return () => {
      current = false;
    };
  }, [generation, truths, layout, own, store.result === null]);
  const positives = generation === "v1" ? ofVersion1(store) : found?.of === generation ? found.positives : null;
  const heads = new Set(positives?.list.map((each) => each.head)).size;
  return (
    <section id="generations">
      <h2>{words.generations}</h2>
      {!ofRun && <p class="lead">{words.generationsLead}</p>}
      <Choice label={words.total} values={values} chosen={generation} name={(value) => (value === "run" ? (run?.name ?? value) : value === "yolox" ? "YOLOX" : `YOLO${value}`)}
        choose={(value) => { store.did(`generation-${value}`); store.set({ generation: value }); }} />
      <p>{fill(words[`generation.${generation}` as keyof typeof words], { name: run?.name ?? "", loss: run?.loss ?? "" })}</p>
      {ofRun && positives && (
        <dl class="run-terms">
          {positives.terms.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><Value name={`run.${name}`} value={value} /></dd></div>)}
        </dl>
      )}
      <div class="heads">
        {Array.from({ length: Math.max(heads, 1) }, (_, head) => (
          <figure key={head}>
            <svg viewBox="0 0 100 100" role="img" aria-label={positives ? fill(words.positives, { count: positives.list.length, all: positives.all }) : ""}>
              <image href={picture} width="100" height="100" preserveAspectRatio="none" />
              {truths.map((truth, index) => {
                const [x, y, w, h] = corners(truth.box);
                return <g key={index} class={truth.ignored ? "box truth ignored" : "box truth"}><rect class="casing" x={x} y={y} width={w} height={h} /><rect class="line" x={x} y={y} width={w} height={h} /></g>;
              })}
              {positives?.list.filter((each) => each.head === head).map((each, index) => (
                <circle key={index} class="positive" cx={100 * each.x} cy={100 * each.y} r={0.7 + 1.5 * Math.sqrt(each.weight)} />
              ))}
            </svg>
            <figcaption>
              {heads > 1 && <b>{head === 0 ? words.headOne : words.headMany}</b>}
              {positives && (
                <>
                  <span>{fill(words.positives, { count: positives.list.filter((each) => each.head === head).length, all: positives.all })}</span>
                  <span>{truths.map((truth, object) => fill(words.positiveRow, { label: store.className(truth.label), count: positives.list.filter((each) => each.head === head && each.object === object).length })).join(store.state.language === "en" ? ", " : "、")}</span>
                </>
              )}
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}

/** v1 as it is in the picture above: it depends on the predictions. */
function ofVersion1(store: ReturnType<typeof useStore>): Positives | null {
  const { result } = store;
  if (result === null) return null;
  const list = result.pairs.map(({ object, predictor }) => {
    const [x, y] = boxAt(result.decoded, predictor);
    return { object, x, y, weight: 1, head: 0 };
  });
  return { all: result.decoded.length / 4, list, terms: [] };
}
