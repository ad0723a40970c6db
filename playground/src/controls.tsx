/** The weights, and the variants of the formula. */
import type { JSX } from "preact";
import { useStore, useWords, Value } from "./context";
import { Swatch } from "./formula";
import { Said } from "./math";
import { names } from "./scene";
import { MOST_LAMBDA } from "./state";
import { COLOURS, LAMBDAS, NUMBERS, PAPER, TERMS } from "./terms";

export function Lambdas(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state, result } = store;
  const unweighted = result ? result.unweighted : [];
  const largest = Math.max(...unweighted, ...(result?.terms ?? []), 1e-9);
  const isPaper = LAMBDAS.every((name) => state.lambdas[name] === PAPER[name]);
  return (
    <section id="weights">
      <h2>{words.lambdas}</h2>
      <p class="lead"><Said text={words.lambdasLead} /></p>
      <div class="sliders">
        {LAMBDAS.map((name) => (
          <label key={name}>
            <span><span class="lambda">λ<sub>{name}</sub></span> <output>{state.lambdas[name]}</output></span>
            <input type="range" min="0" max={Math.max(MOST_LAMBDA, state.lambdas[name])} step="0.1" value={state.lambdas[name]} data-lambda={name}
              onInput={(event) => store.setLambda(name, Number(event.currentTarget.value))} />
          </label>
        ))}
      </div>
      {result && (
        <div class="bars" role="table" aria-label={words.lambdas}>
          <div class="row quiet" role="row">
            <span role="columnheader" /> <span role="columnheader">{words.unweighted}</span> <span role="columnheader">{words.weighted}</span>
          </div>
          {TERMS.map((term, index) => (
            <div class="row" role="row" key={term}>
              <span role="rowheader"><Swatch term={term} /> <b>{NUMBERS[term]}</b> <span class="long">{words[`term.${term}`]}</span></span>
              <span role="cell" class="measure"><i class="plain" style={{ width: `${(62 * (unweighted[index] as number)) / largest}%`, borderColor: COLOURS[term] }} /><Value name={`unweighted.${term}`} value={unweighted[index] as number} /></span>
              <span role="cell" class="measure"><i style={{ width: `${(62 * (result.terms[index] as number)) / largest}%`, background: COLOURS[term] }} /><Value name={`weighted.${term}`} value={result.terms[index] as number} /></span>
            </div>
          ))}
        </div>
      )}
      <button type="button" disabled={isPaper} onClick={() => store.set({ lambdas: { ...PAPER } })}>{words.paperWeights}</button>
    </section>
  );
}

/** Each option with its title and with how the words of its values begin. */
const CHOICES = [
  ["size_term", "sizeTerm", "size"],
  ["confidence_target", "confidenceTarget", "target"],
  ["class_term", "classTerm", "class"],
  ["size_encoding", "sizeEncoding", "emits"],
  ["penalty", "penaltyOption", "penalty"],
] as const;

export function Options(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { grids, boxes, options } = store.capabilities;
  const { layout } = store.state;
  const choices = CHOICES.flatMap(([name, title, prefix]) => {
    const values = options[name];
    return values ? [{ name, title, prefix, values }] : [];
  });
  return (
    <section id="variants">
      <h2>{words.options}</h2>
      <p class="lead">{words.optionsLead}</p>
      <div class="choices">
        <Choice label={words.grid} values={grids} chosen={layout.grid} name={String} choose={(grid) => void store.chooseLayout({ grid })} />
        <Choice label={words.boxesPerCell} values={boxes} chosen={layout.boxes} name={String} choose={(each) => void store.chooseLayout({ boxes: each })} />
        {choices.map(({ name, title, prefix, values }) => (
          <Choice key={name} label={words[title]} values={values} chosen={store.state.options[name]}
            name={(value) => words[`${prefix}_${value}` as keyof typeof words]} choose={(value) => store.setOption(name, value)} />
        ))}
      </div>
    </section>
  );
}

export function Choice<T extends string | number>({ label, values, chosen, name, choose }: {
  label: string; values: T[]; chosen: T; name: (value: T) => string; choose: (value: T) => void;
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={label}>
      <span>{label}</span>
      <div class="segments">
        {values.map((value) => (
          <button key={value} type="button" aria-pressed={value === chosen} class={names(value === chosen && "on")} onClick={() => choose(value)}>{name(value)}</button>
        ))}
      </div>
    </div>
  );
}
