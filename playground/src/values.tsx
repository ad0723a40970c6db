/** The numbers of the chosen box, and the controls above and below the picture. */
import type { JSX } from "preact";
import { useStore, useWords, Value } from "./context";
import { two } from "./format";
import { cellOf, classesAt, confidenceAt, rowCol } from "./raw";
import { names } from "./scene";
import { fill } from "./words";

export function SceneBar(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const shown = store.own === null && store.state.picture === null ? store.state.scene : null;
  return (
    <div class="bar">
      {/* The tour chooses the picture itself. */}
      {store.state.tour === null && <div class="segments" role="group" aria-label={words.scene}>
        {store.scenes.map((scene, index) => (
          <button key={scene.name} type="button" aria-pressed={shown === index} class={names(shown === index && "on")} onClick={() => void store.chooseScene(index)}>
            {words[`scene.${scene.name}` as keyof typeof words]}
          </button>
        ))}
      </div>}
      <span class="push" />
      <span class="bar">
        <button type="button" disabled={store.state.truths.length >= store.state.layout.slots} onClick={() => store.addTruth()}>{words.addObject}</button>
        <button type="button" onClick={() => void store.reset()}>{words.reset}</button>
      </span>
    </div>
  );
}

export function Legend(): JSX.Element {
  const { arrows } = useStore().state;
  const words = useWords();
  return (
    <ul class="legend">
      <li><i class="key truth" />{words.legendTruth}</li>
      <li><i class="key responsible" />{words.legendResponsible}</li>
      <li><i class="key other" />{words.legendOther}</li>
      <li><i class="key owner" />{words.legendCell}</li>
      <li><i class="key centre" />{words.legendCentre}</li>
      <li><i class="key dots" />{words.legendDots}</li>
      {arrows && <li><i class="key ghost-key" />{words.legendGhost}</li>}
      <li>{words.legendIou}</li>
    </ul>
  );
}

export function Values(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state, result } = store;
  const chosen = state.selected;
  if (chosen === null || result === null) return <p class="values quiet">{words.nothingSelected}</p>;
  return chosen.kind === "truth" ? <TruthValues index={chosen.index} /> : <PredictionValues predictor={chosen.index} />;
}

function TruthValues({ index }: { index: number }): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const { state, result } = store;
  const truth = state.truths[index];
  if (!truth || !result) return null;
  const pair = result.pairs.find((each) => each.object === index);
  const [row, col] = pair ? rowCol(result.layout, cellOf(result.layout, pair.predictor)) : [0, 0];
  return (
    <div class="values">
      <h3>{words.truth}</h3>
      <p aria-live="polite">
        {truth.ignored ? words.ignoredTruth : pair ? fill(words.owned, { row, col, box: pair.predictor % result.layout.boxes, iou: two(pair.iou) }) : words.dropped}
      </p>
      <div class="fields">
        <label><span>{words.class}</span><ClassSelect value={truth.label} choose={(label) => store.setTruth(index, { label })} /></label>
        <button type="button" onClick={() => store.deleteTruth(index)}>{words.delete}</button>
      </div>
    </div>
  );
}

function PredictionValues({ predictor }: { predictor: number }): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const { state, result } = store;
  if (!result || predictor >= result.decoded.length / 4) return null;
  const { layout } = result;
  const cell = cellOf(layout, predictor);
  const [row, col] = rowCol(layout, cell);
  const pair = result.pairs.find((each) => each.predictor === predictor);
  const confidence = confidenceAt(result.raw, layout, predictor);
  const scores = Array.from(classesAt(result.raw, layout, cell));
  const best = scores.indexOf(Math.max(...scores));
  const score = scores[best] as number;
  return (
    <div class="values">
      <h3>{fill(words.predicted, { row, col, box: predictor % layout.boxes })}</h3>
      <p aria-live="polite">
        {pair
          ? [fill(words.responsible, { label: store.className(result.truths[pair.object]?.label ?? 0), iou: two(pair.iou) }),
            result.options.confidence_target === "iou" ? words.targetIou : words.targetOne].join(state.language === "en" ? " " : "")
          : words.notResponsible}
      </p>
      <div class="fields">
        <label>
          <span>{words.confidence} <Value name="confidence" value={confidence} /></span>
          <input type="range" min="0" max="1" step="0.01" value={confidence} onInput={(event) => store.setConfidence(predictor, Number(event.currentTarget.value))} />
        </label>
        <label><span>{words.classOfCell}</span><ClassSelect value={best} choose={(label) => store.setClass(cell, label, Math.max(score, 0.55))} /></label>
        <label>
          <span>{words.score} <Value name="score" value={score} /></span>
          <input type="range" min="0.1" max="1" step="0.01" value={score} onInput={(event) => store.setClass(cell, best, Number(event.currentTarget.value))} />
        </label>
        {state.shown.includes(cell) && <button type="button" onClick={() => store.toggleCell(cell)}>{words.hideCell}</button>}
      </div>
    </div>
  );
}

function ClassSelect({ value, choose }: { value: number; choose: (label: number) => void }): JSX.Element {
  const store = useStore();
  return (
    <select value={value} onChange={(event) => choose(Number(event.currentTarget.value))}>
      {Array.from({ length: store.state.layout.classes }, (_, label) => <option key={label} value={label}>{store.className(label)}</option>)}
    </select>
  );
}
