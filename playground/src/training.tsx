/** A small detector trained live with two settings of the weights, side by side. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useStore, useWords, Value } from "./context";
import { Choice } from "./controls";
import { Curves, highest, termCurves, TermKeys, type Curve } from "./curves";
import type { Setting, Trainer, TrainingLine } from "./engine";
import { MOST_LAMBDA } from "./state";
import { PAPER, TERMS } from "./terms";
import { fill } from "./words";

const NAMES = ["A", "B"] as const;
const WIDTH = 300;
const MINUTES = [1, 2, 5];
const MEASURES = [["precision", "#0072B2", ""], ["recall", "#D55E00", "8 4"]] as const;

/** Of each setting, what came of it. */
type Lines = [TrainingLine[], TrainingLine[]];

export function withLine(lines: Lines, line: TrainingLine): Lines {
  return lines.map((each, index) => (index === line.training ? [...each, line] : each)) as Lines;
}

export function curvesOf(lines: TrainingLine[]): { terms: Curve[]; measures: Curve[]; last: number } {
  const steps = lines.filter((line) => line.step !== undefined && line.unweighted !== undefined);
  const terms = termCurves(steps.map((line) => [line.step as number, TERMS.map((term) => line.unweighted?.[term] ?? Number.NaN)]));
  const measured = steps.filter((line) => line.measures !== undefined);
  const measures = MEASURES.map(([name, colour, dash]) => ({
    colour, dash, points: measured.map((line): [number, number] => [line.step as number, line.measures?.[name] as number]),
  }));
  return { terms, measures, last: steps.at(-1)?.step ?? 0 };
}

export function Training({ trainer }: { trainer: Trainer }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const [settings, setSettings] = useState<[Setting, Setting]>([{ coord: PAPER.coord, noobj: PAPER.noobj }, { coord: PAPER.coord, noobj: 5 }]);
  const [minutes, setMinutes] = useState(2);
  const [lines, setLines] = useState<Lines>([[], []]);
  const [started, setStarted] = useState(false);
  const working = started && !lines.every((each) => each.some((line) => line.ended));
  useEffect(() => {
    if (started && !working) setStarted(false);
  }, [started, working]);
  const start = () => {
    setLines([[], []]);
    setStarted(true);
    trainer.start(settings, minutes, (line) => setLines((before) => withLine(before, line))).catch((error: unknown) => {
      setStarted(false);
      store.fail(error);
    });
  };
  const stop = () => {
    setStarted(false);
    trainer.stop().catch((error: unknown) => store.fail(error));
  };
  const curves = lines.map(curvesOf);
  const last = Math.max(...curves.map((each) => each.last), 10);
  const top = highest(curves.flatMap((each) => each.terms));
  return (
    <section id="training">
      <h2>{words.training}</h2>
      <p class="lead">{words.trainingLead}</p>
      <div class="bar ends">
        <Choice label={words.minutes} values={MINUTES} chosen={minutes} name={String} choose={setMinutes} />
        <button type="button" class="main" onClick={working ? stop : start}>{working ? words.stopTraining : words.startTraining}</button>
      </div>
      {working && last === 10 && <p class="quiet" role="status">{words.trainingWaits}</p>}
      <div class="trainings">
        {settings.map((setting, index) => (
          <div key={index} class="training">
            <h3>{fill(words.setting, { name: NAMES[index] as string })}</h3>
            {(["coord", "noobj"] as const).map((name) => (
              <label key={name}>
                <span><span class="lambda">λ<sub>{name}</sub></span> <output>{setting[name]}</output></span>
                <input type="range" min="0" max={MOST_LAMBDA} step="0.1" value={setting[name]} disabled={working}
                  onInput={(event) => {
                    const value = Number(event.currentTarget.value);
                    setSettings(settings.map((each, i) => (i === index ? { ...each, [name]: value } : each)) as [Setting, Setting]);
                  }} />
              </label>
            ))}
            <Curves curves={curves[index]?.terms ?? []} last={last} top={top} width={WIDTH} caption={fill(words.trainingSteps, { steps: curves[index]?.last ?? 0 })}>
              <TermKeys />
            </Curves>
            <Curves curves={curves[index]?.measures ?? []} last={last} top={1} width={WIDTH} caption={words.measured}>
              <span class="keys">
                {MEASURES.map(([name, colour, dash], i) => {
                  const value = curves[index]?.measures[i]?.points.at(-1)?.[1];
                  return (
                    <span key={name}>
                      <svg class="swatch" viewBox="0 0 30 6" aria-hidden="true"><path d="M0 3 H30" stroke={colour} stroke-width="3" stroke-dasharray={dash} /></svg>{" "}
                      {words[name]}{" "}{value !== undefined && <Value name={`${name}.${NAMES[index]}`} value={value} />}
                    </span>
                  );
                })}
              </span>
            </Curves>
          </div>
        ))}
      </div>
    </section>
  );
}
