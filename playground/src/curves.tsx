/** Curves over steps, such as that of each term. */
import type { ComponentChildren, JSX } from "preact";
import { Swatch } from "./formula";
import { short } from "./format";
import { COLOURS, DASHES, NUMBERS, TERMS } from "./terms";

const HEIGHT = 200;
const LEFT = 40;
const RIGHT = 30;
const BOTTOM = 22;

export interface Curve {
  colour: string;
  dash: string;
  /** Step and value. */
  points: [number, number][];
}

/** One curve for each term, from its values at some steps. */
export function termCurves(history: [number, number[]][]): Curve[] {
  return TERMS.map((term, index) => ({
    colour: COLOURS[term],
    dash: DASHES[term],
    points: history.map(([step, terms]): [number, number] => [step, terms[index] as number]),
  }));
}

/** The loss itself, over all terms. */
export function totalCurve(totals: number[]): Curve {
  return { colour: "var(--ink)", dash: "", points: totals.map((total, step): [number, number] => [step, total]) };
}

export const highest = (curves: Curve[]) => Math.max(...curves.flatMap(({ points }) => points.map(([, value]) => value)), 1e-3);

/** `last`: the step at the right edge; `top`: the value at the upper edge; `width`: of the drawing, 200 high; `children`: what the curves are. */
export function Curves({ curves, last, top = highest(curves), width = 520, caption, children }: {
  curves: Curve[]; last: number; top?: number; width?: number; caption: string; children?: ComponentChildren;
}): JSX.Element {
  const some = curves.some(({ points }) => points.length > 0);
  const x = (step: number) => LEFT + ((width - LEFT - RIGHT) * step) / last;
  const y = (value: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 8) * Math.min(Math.max(value, 0), top)) / top;
  return (
    <figure class="curves">
      <figcaption>
        <span>{caption}</span>
        {children}
      </figcaption>
      {some && <svg viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={caption}>
        <path class="axis" d={`M${LEFT} 8 V${HEIGHT - BOTTOM} H${width - RIGHT}`} />
        <text x={LEFT - 6} y={14} class="end">{short(top)}</text>
        <text x={LEFT - 6} y={HEIGHT - BOTTOM + 4} class="end">0</text>
        <text x={width - RIGHT} y={HEIGHT - 6} class="end">{last}</text>
        {curves.filter(({ points }) => points.length > 0).map(({ colour, dash, points }) => (
          <path key={colour} class="curve" stroke={colour} stroke-dasharray={dash}
            d={`M${points.map(([step, value]) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join(" L")}`} />
        ))}
      </svg>}
    </figure>
  );
}

export function TermKeys(): JSX.Element {
  return <span class="keys">{TERMS.map((term) => <span key={term}><Swatch term={term} /> {NUMBERS[term]}</span>)}</span>;
}
