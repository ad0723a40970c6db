/** The picture under S x S cells, with true and predicted boxes that can be moved. */
import { useRef } from "preact/hooks";
import type { JSX } from "preact";
import { useStore, useWords } from "./context";
import { two } from "./format";
import { lit, speaksOfIou } from "./point";
import { boxAt, cellOf, confidenceAt, predictors, rowCol, type Box } from "./raw";
import type { Selected } from "./state";
import { placed, TAG_HEIGHT, type Tag } from "./tags";
import type { SymbolName } from "./terms";
import { PAGES } from "./tour_pages";
import { fill } from "./words";

const LEAST = 0.03;
const OWNER = 0.9; // the frame of a cell with an object
const AHEAD = 20; // more boxes than these hide the picture
type Corner = -1 | 0 | 1;
interface Grip {
  x: Corner;
  y: Corner;
}
const CORNERS: Grip[] = [{ x: -1, y: -1 }, { x: 1, y: -1 }, { x: -1, y: 1 }, { x: 1, y: 1 }];
const KEYS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A box after its centre, or one of its corners, was moved; it keeps a size and its centre stays in the picture. */
export function movedBox([cx, cy, w, h]: Box, dx: number, dy: number, grip: Grip): Box {
  const within = (value: number) => Math.min(Math.max(value, 0), 0.999);
  if (grip.x === 0 && grip.y === 0) return [within(cx + dx), within(cy + dy), w, h];
  const width = Math.min(Math.max(w + grip.x * dx, LEAST), 1);
  const height = Math.min(Math.max(h + grip.y * dy, LEAST), 1);
  return [within(cx + (grip.x * (width - w)) / 2), within(cy + (grip.y * (height - h)) / 2), width, height];
}

export function Scene({ picture }: { picture: string }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const svg = useRef<SVGSVGElement>(null);
  const drag = useRef<{ what: Exclude<Selected, null>; box: Box; grip: Grip; x: number; y: number } | null>(null);
  const { state, result } = store;
  const { layout } = result ?? state;
  const cell = 100 / layout.grid;
  const dot = Math.min(1, cell / (3.4 * layout.boxes + 1.4)); // all dots of a cell are in it
  const pairs = result?.pairs ?? [];
  const owners = new Map(pairs.map((pair) => [cellOf(layout, pair.predictor), pair]));
  const bright = lit(store.pointed, pairs, layout);
  const pointedSymbol = store.pointed !== null && "symbol" in store.pointed ? store.pointed.symbol : null;
  const dims = store.pointed !== null && "symbol" in store.pointed; // while one box is pointed at, the others stay in sight

  const every = Array.from({ length: result ? predictors(layout) : 0 }, (_, predictor) => predictor);
  const stays = (predictor: number) => owners.has(cellOf(layout, predictor)) || state.shown.includes(cellOf(layout, predictor));
  const shown = every.filter(stays);
  // Boxes that are lit and not shown, such as those of a cell that is pointed at: a look ahead, which must not stand in
  // the way of the click.
  const ahead = bright !== null && bright.predictors.size <= AHEAD ? every.filter((each) => bright.predictors.has(each) && !stays(each)) : [];
  const dropped = (object: number) => result !== null && result.truths.length === state.truths.length && !pairs.some((pair) => pair.object === object);
  const boxes: Drawn[] = [
    ...state.truths.map((truth, index): Drawn => {
      const label = store.className(truth.label);
      const tag = !truth.ignored && dropped(index) ? fill(words.noBox, { label }) : label;
      const name = fill(truth.ignored ? words.ignoredLabel : words.truthLabel, { label: tag });
      return { what: { kind: "truth", index }, box: truth.box, kind: truth.ignored ? "ignored" : "truth", tag, name, lit: false };
    }),
    ...shown.map((predictor): Drawn => {
      const home = cellOf(layout, predictor);
      const pair = owners.get(home);
      const [row, col] = rowCol(layout, home);
      const iou = pair && result ? (result.ious[predictor * layout.slots + pair.object] as number) : null;
      const mine = pair?.predictor === predictor;
      const tag = iou === null ? `${predictor % layout.boxes}` : `${store.className(result?.truths[pair?.object ?? -1]?.label ?? 0)}: IoU ${two(iou)}`;
      return {
        what: { kind: "pred", index: predictor },
        box: boxAt(result?.decoded as Float32Array, predictor),
        kind: mine ? "responsible" : "other",
        tag,
        name: fill(words.predLabel, { box: predictor % layout.boxes, row, col }) + (iou === null ? "" : `, ${tag}`) + (mine ? `, ${words.legendResponsible}` : ""),
        lit: bright?.predictors.has(predictor) === true,
      };
    }),
  ];
  const corner = ({ box, kind, tag }: Drawn) => {
    const [x, y, , h] = corners(box);
    return { x, y: kind === "other" ? y + h : y, below: kind === "other", text: tag };
  };
  const order = [...boxes].sort((a, b) => Number(a.kind === "other") - Number(b.kind === "other"));
  const tags = new Map(placed(order.map(corner)).map((tag, index) => [order[index], tag]));
  const isSelected = (what: Exclude<Selected, null>) => state.selected?.kind === what.kind && state.selected.index === what.index;
  const chosen = boxes.find((drawn) => isSelected(drawn.what));

  const place = (event: PointerEvent) => {
    const frame = svg.current?.getBoundingClientRect();
    return frame ? [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height] as const : ([0, 0] as const);
  };
  const move = (what: Exclude<Selected, null>, box: Box) => (what.kind === "truth" ? store.moveTruth(what.index, box) : store.movePrediction(what.index, box));
  const grab = (event: PointerEvent, drawn: Drawn | undefined, grip: Grip) => {
    if (event.button !== 0 || drawn === undefined) return;
    event.stopPropagation();
    drag.current = { what: drawn.what, box: drawn.box, grip, x: event.clientX, y: event.clientY };
    svg.current?.setPointerCapture(event.pointerId);
    store.set({ selected: drawn.what });
  };
  const under = (event: PointerEvent) => nearest(boxes, place(event), state.tour === null ? null : PAGES[state.tour]?.drags, chosen);
  const hover = (event: PointerEvent) => {
    if (drag.current !== null) return;
    const drawn = under(event);
    if (drawn?.what.kind === "pred") store.point({ predictor: drawn.what.index });
  };
  const pull = (event: PointerEvent) => {
    if (drag.current === null) return;
    const { what, box, grip, x, y } = drag.current;
    const size = svg.current?.getBoundingClientRect().width ?? 1;
    // By the way of the finger, not by its place: the picture may move below it when what is around it changes.
    move(what, movedBox(box, (event.clientX - x) / size, (event.clientY - y) / size, grip));
  };
  const release = () => {
    drag.current = null;
  };
  const press = (event: KeyboardEvent, drawn: Drawn) => {
    const direction = KEYS[event.key];
    if (direction) {
      event.preventDefault();
      const [dx, dy] = direction;
      const step = event.altKey ? 0.002 : 0.01;
      // Resizing by keys moves the lower right corner.
      move(drawn.what, movedBox(drawn.box, step * dx, step * dy, event.shiftKey ? { x: 1, y: 1 } : { x: 0, y: 0 }));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      remove(drawn.what);
    }
  };
  const remove = (what: Exclude<Selected, null>) => {
    if (what.kind === "truth") store.deleteTruth(what.index);
    else if (state.shown.includes(cellOf(layout, what.index))) store.toggleCell(cellOf(layout, what.index));
    svg.current?.focus();
  };

  return (
    <svg
      ref={svg} class="scene" viewBox="0 0 100 100" role="group" tabindex={-1}
      aria-label={fill(words.sceneLabel, { cells: layout.grid ** 2 })}
      onPointerMove={pull} onPointerUp={release} onPointerCancel={release} onPointerLeave={() => drag.current === null && store.point(null)}
    >
      <defs>
        <marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="2.5" markerHeight="2.5" orient="auto-start-reverse">
          <path d="M0 0 L10 5 L0 10 z" class="arrow-head" />
        </marker>
      </defs>
      <image href={picture} width="100" height="100" preserveAspectRatio="none" />
      <path class="grid-lines" aria-hidden="true" d={Array.from({ length: layout.grid - 1 }, (_, k) => `M${(k + 1) * cell} 0 V100 M0 ${(k + 1) * cell} H100`).join(" ")} />
      <g class="owners" aria-hidden="true">
        {[...owners.keys()].map((index) => {
          const [row, col] = rowCol(layout, index);
          return <rect key={index} x={col * cell + OWNER / 2} y={row * cell + OWNER / 2} width={cell - OWNER} height={cell - OWNER} />;
        })}
      </g>
      <g class="cells" role="grid" aria-label={words.grid}>
        {Array.from({ length: layout.grid }, (_, row) => (
          <g role="row" key={row}>
            {Array.from({ length: layout.grid }, (_, col) => {
              const index = row * layout.grid + col;
              return (
                <rect
                  key={col} x={col * cell} y={row * cell} width={cell} height={cell} role="gridcell"
                  class={names("cell", owners.has(index) && "owner", state.shown.includes(index) && "shown", bright?.cells.has(index) && "lit")}
                  data-cell={index} tabindex={index === 0 ? 0 : -1}
                  aria-label={fill(words.cellLabel, { row, col })} aria-selected={state.shown.includes(index)}
                  onClick={() => store.toggleCell(index)}
                  onPointerEnter={() => drag.current === null && store.point({ cell: index })}
                  onFocus={() => store.point({ cell: index })} onBlur={() => store.point(null)}
                  onKeyDown={(event) => walk(event, index, layout.grid, () => store.toggleCell(index))}
                />
              );
            })}
          </g>
        ))}
      </g>
      {result && (
        <g class="dots" aria-hidden="true">
          {Array.from({ length: predictors(layout) }, (_, predictor) => {
            const home = cellOf(layout, predictor);
            const [row, col] = rowCol(layout, home);
            const confidence = Math.min(Math.max(confidenceAt(result.raw, layout, predictor), 0), 1.2);
            const mine = owners.get(home)?.predictor === predictor;
            return (
              <circle
                key={predictor} cx={col * cell + dot * (2.4 + 3.4 * (predictor % layout.boxes))} cy={row * cell + 2.4 * dot} r={dot * (0.45 + 1.05 * confidence)}
                class={names("dot", mine && "responsible", bright && (bright.predictors.has(predictor) ? "lit" : dims && "dim"))}
              />
            );
          })}
        </g>
      )}
      <g class="ahead" aria-hidden="true">
        {ahead.map((predictor) => {
          const [x, y, w, h] = corners(boxAt(result?.decoded as Float32Array, predictor));
          return <g key={predictor} class="box other"><rect class="casing" x={x} y={y} width={w} height={h} /><rect class="line" x={x} y={y} width={w} height={h} /></g>;
        })}
      </g>
      {boxes.map((drawn) => {
        const [x, y, w, h] = corners(drawn.box);
        return (
          <g
            key={`${drawn.what.kind}${drawn.what.index}`} class={names("box", drawn.what.kind === "truth" && "truth", drawn.kind, drawn === chosen && "selected", drawn.lit && "lit", dims && !drawn.lit && drawn.what.kind !== "truth" && "dim")} tabindex={0} role="button"
            data-kind={drawn.what.kind} data-index={drawn.what.index} aria-label={drawn.name} aria-pressed={drawn === chosen}
            onPointerDown={(event) => grab(event, under(event), { x: 0, y: 0 })}
            onPointerMove={hover} onPointerLeave={() => drag.current === null && store.point(null)}
            onFocus={(event) => {
              if (drag.current === null && drawn !== chosen) store.set({ selected: drawn.what });
              if (event.currentTarget.matches(":focus-visible") && drawn.what.kind === "pred") store.point({ predictor: drawn.what.index });
            }}
            onBlur={() => store.point(null)}
            onKeyDown={(event) => press(event, drawn)}
          >
            <rect class="reach" x={x} y={y} width={w} height={h} />
            <rect class="casing" x={x} y={y} width={w} height={h} />
            <rect class="line" x={x} y={y} width={w} height={h} />
            <Label tag={tags.get(drawn) as Tag} text={drawn.tag} />
          </g>
        );
      })}
      <g class="centres" aria-hidden="true">
        {state.truths.map(({ box: [x, y] }, index) => <circle key={index} class="centre" cx={100 * x} cy={100 * y} r="1" />)}
      </g>
      {chosen && (
        <g class="grips" aria-hidden="true">
          {CORNERS.map((grip) => {
            const [x, y, w, h] = corners(chosen.box);
            return (
              <g key={`${grip.x}${grip.y}`} class={grip.x === grip.y ? "grip nwse" : "grip nesw"} onPointerDown={(event) => grab(event, chosen, grip)}>
                <circle class="reach" cx={x + (w * (grip.x + 1)) / 2} cy={y + (h * (grip.y + 1)) / 2} r="3.2" />
                <circle class="knob" cx={x + (w * (grip.x + 1)) / 2} cy={y + (h * (grip.y + 1)) / 2} r="1.2" />
              </g>
            );
          })}
        </g>
      )}
      {pointedSymbol !== null && PLACES.has(pointedSymbol) && result && (
        <g class="measures" aria-hidden="true">
          {pairs.map(({ predictor, object }) => {
            const [x, y] = boxAt(result.decoded, predictor);
            const [trueX, trueY] = result.truths[object]?.box ?? [x, y];
            return <path key={predictor} d={`M${100 * x} ${100 * y} H${100 * trueX} V${100 * trueY}`} />;
          })}
        </g>
      )}
      {result && speaksOfIou(store.pointed, result.options) && (
        <g class="overlaps" aria-hidden="true">
          {pairs.map(({ predictor, object }) => {
            const [x, y, right, bottom] = overlap(boxAt(result.decoded, predictor), result.truths[object]?.box ?? [0, 0, 0, 0]);
            return <rect key={predictor} x={x} y={y} width={Math.max(right - x, 0)} height={Math.max(bottom - y, 0)} />;
          })}
        </g>
      )}
      {pointedSymbol !== null && SIZES.has(pointedSymbol) && result && (
        <g class="measures" aria-hidden="true">
          {pairs.map(({ predictor }) => {
            const [x, y, w, h] = corners(boxAt(result.decoded, predictor));
            return <path key={predictor} d={`M${x} ${y + h / 2} h${w} M${x + w / 2} ${y} v${h}`} />;
          })}
        </g>
      )}
      {result?.pulled && (
        <g class="arrows" aria-hidden="true">
          {shown.map((predictor) => <Pulled key={predictor} from={boxAt(result.decoded, predictor)} to={boxAt(result.pulled as Float32Array, predictor)} />)}
        </g>
      )}
    </svg>
  );
}

const PLACES = new Set<SymbolName>(["xy", "xy_hat"]);
const SIZES = new Set<SymbolName>(["wh", "wh_hat", "root", "root_hat"]);

/** Left, top, right and bottom of what two boxes have in common. */
function overlap(a: Box, b: Box): Box {
  const [[x, y, w, h], [otherX, otherY, otherW, otherH]] = [corners(a), corners(b)];
  return [Math.max(x, otherX), Math.max(y, otherY), Math.min(x + w, otherX + otherW), Math.min(y + h, otherY + otherH)];
}

interface Drawn {
  what: Exclude<Selected, null>;
  box: Box;
  kind: "truth" | "ignored" | "responsible" | "other";
  tag: string;
  name: string;
  lit: boolean;
}

function Label({ tag: { left, top, width }, text }: { tag: Tag; text: string }): JSX.Element {
  return (
    <g class="tag" aria-hidden="true">
      <rect x={left} y={top} width={width} height={TAG_HEIGHT} rx="0.7" />
      <text x={left + width / 2} y={top + 3.05}>{text}</text>
    </g>
  );
}

function Pulled({ from, to }: { from: Box; to: Box }): JSX.Element | null {
  const distance = Math.max(...from.map((value, index) => Math.abs(value - (to[index] as number))));
  if (distance < 1e-4) return null;
  const [x, y, w, h] = corners(to);
  return (
    <g>
      <rect class="ghost" x={x} y={y} width={w} height={h} />
      <path class="arrow" d={`M${100 * from[0]} ${100 * from[1]} L${100 * to[0]} ${100 * to[1]}`} marker-end="url(#head)" />
    </g>
  );
}

function walk(event: KeyboardEvent, index: number, grid: number, toggle: () => void): void {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return toggle();
  }
  const direction = KEYS[event.key];
  if (!direction) return;
  event.preventDefault();
  const row = Math.min(Math.max(Math.floor(index / grid) + direction[1], 0), grid - 1);
  const col = Math.min(Math.max((index % grid) + direction[0], 0), grid - 1);
  const next = (event.currentTarget as SVGElement).ownerSVGElement?.querySelector<SVGElement>(`[data-cell="${row * grid + col}"]`);
  next?.focus();
}

export function corners([cx, cy, w, h]: Box): Box {
  return [100 * (cx - w / 2), 100 * (cy - h / 2), 100 * w, 100 * h];
}

const EDGE = 0.02;

/** Of boxes that lie on each other: one of those that the page asks for, else the one whose edge is pointed at, else the
 * selected one, else a responsible one, else the smallest. */
export function nearest<T extends { box: Box; kind: Drawn["kind"] }>(
  boxes: T[], [x, y]: readonly [number, number], asked: Drawn["kind"] | null = null, selected?: T,
): T | undefined {
  const ranks = boxes
    .map((drawn) => {
      const [cx, cy, w, h] = drawn.box;
      const outside = Math.max(Math.abs(x - cx) - w / 2, Math.abs(y - cy) - h / 2);
      const edge = Math.abs(outside) < EDGE ? Math.abs(outside) : EDGE;
      const no = (good: boolean) => (good ? 0 : 1);
      return { drawn, touched: outside < EDGE, rank: [no(drawn.kind === asked), edge, no(drawn === selected), no(drawn.kind === "responsible"), w * h] };
    })
    .filter(({ touched }) => touched);
  ranks.sort((a, b) => a.rank.map((each, index) => each - (b.rank[index] as number)).find((each) => each !== 0) ?? 0);
  return ranks[0]?.drawn;
}
export const names = (...parts: (string | false | null | undefined)[]) => parts.filter(Boolean).join(" ");
