/** What a root does to an error: the curve of the root, with the widths of each object's box on it. */
import type { JSX } from "preact";
import { useStore, useWords } from "./context";
import { elementsOf } from "./elements";
import { short } from "./format";
import type { Result } from "./store";
import { COLOURS } from "./terms";
import { fill } from "./words";

const WIDTH = 320;
const HEIGHT = 170;
const LEFT = 58;
const BOTTOM = 34;
const RIGHT = 14;
const TOP = 10;

export function Roots({ result }: { result: Result }): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const widths = elementsOf("wh", result.outputs, 1).filter(({ part, pred, target }) => part === 0 && pred > 0 && target > 0);
  if (widths.length === 0) return null;
  const most = Math.max(0.1, ...widths.flatMap(({ pred, target }) => [pred ** 2, target ** 2])) * 1.08;
  const x = (width: number) => LEFT + ((WIDTH - LEFT - RIGHT) * width) / most;
  const y = (root: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * root) / Math.sqrt(most);
  const steps = Array.from({ length: 41 }, (_, step) => (most * step * step) / 1600);
  return (
    <figure class="roots">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.rootsCaption}>
        <path class="axis" d={`M${LEFT} ${TOP} V${HEIGHT - BOTTOM} H${WIDTH - RIGHT}`} />
        <path class="curve" d={`M${steps.map((step) => `${x(step).toFixed(1)} ${y(Math.sqrt(step)).toFixed(1)}`).join(" L")}`} />
        {widths.map(({ predictor, pred, target }) => {
          const [low, high] = [Math.min(pred, target), Math.max(pred, target)];
          const object = result.pairs.find((pair) => pair.predictor === predictor)?.object;
          const label = object === undefined ? "" : store.className(result.truths[object]?.label ?? 0);
          return (
            <g key={predictor}>
              <path class="guide" d={`M${x(low ** 2)} ${HEIGHT - BOTTOM} V${y(low)} H${LEFT} M${x(high ** 2)} ${HEIGHT - BOTTOM} V${y(high)} H${LEFT}`} />
              <path class="span" stroke={COLOURS.wh} d={`M${x(low ** 2)} ${HEIGHT - BOTTOM} H${x(high ** 2)}`} />
              <path class="span" stroke={COLOURS.wh} d={`M${LEFT} ${y(low)} V${y(high)}`} />
              <text class="middle" x={x((low ** 2 + high ** 2) / 2)} y={HEIGHT - BOTTOM + 13}>{label && fill(words.inQuotes, { label })}</text>
              <text class="end" x={LEFT - 6} y={y((low + high) / 2) + 4}>{short(high - low)}</text>
            </g>
          );
        })}
        <text class="end" x={WIDTH - RIGHT} y={HEIGHT - 6}>w</text>
        <text x={LEFT + 5} y={TOP + 4}>√w</text>
      </svg>
      <figcaption>{words.rootsCaption}</figcaption>
    </figure>
  );
}
