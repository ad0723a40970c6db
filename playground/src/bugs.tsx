/** Eight faulty losses beside the right one: choose one, or guess which one is on. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore, useWords, Value } from "./context";
import { floats, integers, type Graph } from "./engine";
import { short } from "./format";
import { boxAt, boxOffset, cellOf, predictors } from "./raw";
import { names } from "./scene";
import type { Result } from "./store";
import { fill } from "./words";
import faults from "../graphs/faults.json";

const FAULTS = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const NEGATIVE = -0.05;

export interface Compared {
  /** Of the right loss, then of the eight faulty ones. */
  totals: number[];
  /** Largest difference of each gradient from the right one. */
  gradients: number[];
}

/** The number of objects that there are graphs for; null where the scene is not one of theirs. */
export function faultyGraph(result: Result, graphs: string[]): string | null {
  const name = `faulty-${result.pairs.length}`;
  const fits = result.layout.classes === 10 && result.layout.grid === 3 && result.layout.boxes === 2 && result.pairs.length === result.truths.length;
  return fits && graphs.includes(name) ? name : null;
}

export async function compare(graph: Graph, result: Result, negative: boolean): Promise<Compared> {
  const { layout, pairs, truths } = result;
  // These losses take widths and heights where the network of this page emits their roots.
  const raw = result.raw.slice();
  for (let predictor = 0; predictor < predictors(layout); predictor++) {
    raw.set(boxAt(result.decoded, predictor).slice(2), boxOffset(layout, predictor) + 2);
  }
  const cells = pairs.map((pair) => cellOf(layout, pair.predictor));
  if (negative) {
    for (let box = 0; box < layout.boxes; box++) raw[boxOffset(layout, (cells[0] as number) * layout.boxes + box) + 2] = NEGATIVE;
  }
  // Offsets in the cell, as the right loss has them as targets.
  const offsets = floats(result.outputs, "xy_target");
  const slots = integers(result.outputs, "pair_object");
  const truth = pairs.flatMap((pair) => {
    const slot = slots.indexOf(pair.object);
    const [, , w, h] = (truths[pair.object] as Result["truths"][number]).box;
    return [offsets[2 * slot] as number, offsets[2 * slot + 1] as number, w, h];
  });
  const outputs = await graph.run({
    raw,
    cells: BigInt64Array.from(cells, BigInt),
    truth: Float32Array.from(truth),
    labels: BigInt64Array.from(pairs, (pair) => BigInt((truths[pair.object] as Result["truths"][number]).label)),
  });
  const totals = Array.from(floats(outputs, "totals"));
  const gradients = floats(outputs, "gradients");
  const size = gradients.length / totals.length;
  const differences = totals.map((_, index) => {
    let largest = 0;
    for (let i = 0; i < size; i++) {
      const difference = Math.abs((gradients[index * size + i] as number) - (gradients[i] as number));
      if (Number.isNaN(difference)) return Number.NaN;
      largest = Math.max(largest, difference);
    }
    return largest;
  });
  return { totals, gradients: differences };
}

/** What a wrong guess is told: how the numbers would be, or that they are the same here. */
export function refusal(compared: Compared, secret: number, guess: number): "wrongGuess" | "sameValue" | "sameSoFar" {
  const differ = (values: number[]) => short(values[secret] as number) !== short(values[guess] as number);
  if (differ(compared.totals)) return "wrongGuess";
  return differ(compared.gradients) ? "sameValue" : "sameSoFar";
}

export function Bugs(): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const { result, state, capabilities } = store;
  const [compared, setCompared] = useState<Compared | null>(null);
  const [negative, setNegative] = useState(false);
  const [secret, setSecret] = useState<number | null>(null);
  const [guess, setGuess] = useState<number | null>(null);
  const name = result ? faultyGraph(result, capabilities.graphs) : null;
  const fault = secret ?? (state.bug !== null && state.bug >= 1 && state.bug <= FAULTS.length ? state.bug : null);
  const wanted = fault !== null;
  useEffect(() => {
    if (name === null || result === null || !wanted) return setCompared(null);
    let current = true;
    store.engine.load(name)
      .then((graph) => compare(graph, result, negative))
      .then((each) => current && setCompared(each))
      .catch((error: unknown) => store.fail(error));
    return () => {
      current = false;
    };
  }, [name, result, negative, wanted]);
  useEffect(() => setSecret(null), [state.tour]); // a page of the tour begins, and the page after it, without a riddle
  const said = useRef<HTMLParagraphElement>(null);
  const chosen = useRef(false);
  useEffect(() => {
    if (chosen.current && compared) said.current?.scrollIntoView({ block: "nearest", behavior: "auto" });
    chosen.current = false;
  }, [guess, state.bug, compared === null]);
  if (!capabilities.graphs.includes("faulty-1")) return null;
  const word = (kind: "bug" | "sign", number: number) => words[`${kind}_${number}` as keyof typeof words];
  // What is wrong, as the lesson on these faults says it, and what gives it away on this page.
  const why = (number: number) => [faults[number - 1]?.[state.language], word("sign", number)].join(state.language === "en" ? " " : "");
  const another = () => {
    setSecret(FAULTS[Math.floor(Math.random() * FAULTS.length)] as number);
    setGuess(null);
  };
  const choose = (number: number | null) => {
    chosen.current = true;
    if (secret === null) return store.set({ bug: number });
    setGuess(number);
    return undefined;
  };
  const marked = secret === null ? state.bug : guess;
  const number = (value: number) => (Number.isNaN(value) ? words.nan : short(value));
  const refused = (found: Compared, right: number, wrong: number) =>
    fill(words[refusal(found, right, wrong)], { value: number(found.totals[wrong] as number), gradient: number(found.gradients[wrong] as number) });
  return (
    <section id="bugs">
      <h2>{words.bugs}</h2>
      <p class="lead">{secret === null ? words.bugsLead : words.guessLead}</p>
      <div class="bar">
        <button type="button" class={names(secret !== null && "on")} aria-pressed={secret !== null} onClick={() => (secret === null ? another() : setSecret(null))}>{words.guess}</button>
        {secret !== null && <button type="button" onClick={another}>{words.newFault}</button>}
      </div>
      <div class="faults" role="group" aria-label={secret === null ? words.bugs : words.whichFault}>
        {secret === null && <button type="button" class={names(marked === null && "on")} aria-pressed={marked === null} onClick={() => choose(null)}>{words.noFault}</button>}
        {FAULTS.map((number) => (
          <button key={number} type="button" class={names(marked === number && "on")} aria-pressed={marked === number} onClick={() => choose(number)}>{word("bug", number)}{secret !== null && guess === number && (guess === secret ? " ✓" : " ✗")}</button>
        ))}
      </div>
      <p class="meaning" aria-live="polite" ref={said}>
        {secret === null
          ? state.bug !== null && fault !== null && <><b>{word("bug", fault)}</b>{state.language === "en" ? ": " : "："}{why(fault)}</>
          : guess !== null && compared && (guess === secret
            ? fill(words.guessed, { why: why(secret) })
            : refused(compared, secret, guess))}
      </p>
      {name === null && wanted && result !== null && <p class="quiet">{words.bugNeeds}</p>}
      {name !== null && compared && (
        <dl class="compared">
          <div><dt>{words.right}</dt><dd><Value name="right" value={compared.totals[0] as number} /></dd></div>
          {fault !== null && (
            <>
              <div><dt>{words.faulty}</dt><dd><Value name={`faulty.${fault}`} value={compared.totals[fault] as number} /></dd></div>
              <div><dt>{words.difference}</dt><dd><Value name="difference" value={(compared.totals[fault] as number) - (compared.totals[0] as number)} /></dd></div>
              <div><dt>{words.gradientDifference}</dt><dd><Value name="gradient-difference" value={compared.gradients[fault] as number} /></dd></div>
            </>
          )}
        </dl>
      )}
      {name !== null && compared && fault !== null && <p class="quiet">{words.gradientMeans}</p>}
      <label class="check"><input type="checkbox" checked={negative} onChange={(event) => setNegative(event.currentTarget.checked)} /> {words.negativeWidth}</label>
      {negative && <p class="quiet">{words.negativeHere}</p>}
      {wanted && (
        <div class="bar">
          <button type="button" onClick={() => (store.playing ? store.pause() : store.play())}>{store.playing ? words.pause : words.play}</button>
          <button type="button" onClick={() => store.restart()}>{words.restart}</button>
        </div>
      )}
    </section>
  );
}
