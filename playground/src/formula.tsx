/** The five terms: typeset, each with its value, its elements, and the numbers that were put in. */
import katex from "katex";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { useStore, useWords, Value } from "./context";
import { Choice } from "./controls";
import { elementsOf, type Element } from "./elements";
import { short } from "./format";
import { plain, Said } from "./math";
import { speaksOf } from "./point";
import { boxOffset, cellOf, classOffset, predictors, rowCol } from "./raw";
import { Roots } from "./roots";
import { names } from "./scene";
import type { Result, Store } from "./store";
import { COLOURS, DASHES, formula, LAMBDA_OF, NUMBERS, PAPER, TERMS, type SymbolName, type TermName } from "./terms";
import { fill, type Words } from "./words";

const FEW = 8;

export function Formula(): JSX.Element {
  const words = useWords();
  return (
    <section class="formula" id="loss">
      <h2>{words.loss}</h2>
      <p class="lead">{words.lossLead}</p>
      <div class="terms">{TERMS.map((term) => <Term key={term} term={term} />)}</div>
    </section>
  );
}

/** What a symbol of a term means. */
function meaning(symbol: SymbolName, term: TermName, { state }: Store, words: Words): string {
  const { grid, boxes, classes } = state.layout;
  const said = (name: string) => fill(words[name as keyof Words], { grid, cells: grid ** 2, boxes, all: predictors(state.layout), classes });
  if (symbol === "target") return said(term === "noobj" ? "symbol.target.none" : `symbol.target.${state.options.confidence_target}`);
  if (symbol === "lambda") return said("symbol.lambda") + (PAPER[LAMBDA_OF[term]] === 1 ? ` ${said("symbol.lambda.one")}` : "");
  return said(`symbol.${symbol}`);
}

export function Swatch({ term }: { term: TermName }): JSX.Element {
  return (
    <svg class="swatch" viewBox="0 0 30 6" aria-hidden="true">
      <path d="M1 3 H29" stroke={COLOURS[term]} stroke-width="4" stroke-dasharray={DASHES[term]} />
    </svg>
  );
}

function Term({ term }: { term: TermName }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state, result } = store;
  const open = state.openTerm === term;
  const toggle = () => {
    store.set({ openTerm: open ? null : term, openElements: [] });
  };
  return (
    <article class={names("term", open && "open")} style={{ "--colour": COLOURS[term] }} data-term={term}>
      <button type="button" class="head" aria-expanded={open} aria-controls={`elements-${term}`} onClick={toggle}>
        <Swatch term={term} />
        <span class="name"><b>{NUMBERS[term]}</b> {words[`term.${term}`]}</span>
        {result && <Value name={`term.${term}`} value={result.terms[TERMS.indexOf(term)] as number} />}
        <i class="turn" aria-hidden="true" />
      </button>
      <Typeset term={term} />
      <div class="drawer" id={`elements-${term}`}>
        {open && result && <Elements term={term} result={result} />}
        {open && result && term === "wh" && <SizeChoice result={result} />}
      </div>
    </article>
  );
}

/** Roots on and off, beside the numbers that they change. */
function SizeChoice({ result }: { result: Result }): JSX.Element {
  const store = useStore();
  const words = useWords();
  return (
    <div class="size-choice">
      <Choice label={words.sizeTerm} values={store.capabilities.options.size_term ?? []} chosen={store.state.options.size_term}
        name={(value) => words[`size_${value}` as keyof Words]} choose={(value) => store.setOption("size_term", value)} />
      {result.options.size_term === "sqrt" && <Roots result={result} />}
    </div>
  );
}

function Typeset({ term }: { term: TermName }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const { state, result, pointed } = store;
  const tex = formula(term, state.options);
  const note = useRef<HTMLParagraphElement>(null);
  const said = pointed !== null && "symbol" in pointed && pointed.term === term ? meaning(pointed.symbol, term, store, words) : "";
  // Below the formula, or above it where something would cover it.
  useLayoutEffect(() => {
    note.current?.classList.remove("above");
    if (!said || !note.current) return;
    const { bottom, height } = note.current.getBoundingClientRect();
    if (bottom <= lowest()) return;
    const formulaTop = place.current?.getBoundingClientRect().top ?? 0;
    if (formulaTop - height - 8 >= highest()) note.current.classList.add("above");
    else window.scrollBy(0, bottom - lowest() + 8);
  }, [said]);
  const html = useMemo(
    () => katex.renderToString(tex, { output: "html", trust: ({ command }) => command === "\\htmlData", strict: false })
      .replace(' aria-hidden="true"', ""), // its symbols can be focused
    [tex],
  );
  useEffect(() => {
    for (const symbol of symbols(place.current)) {
      symbol.tabIndex = 0;
      symbol.setAttribute("role", "button");
    }
  }, [html]);
  useEffect(() => {
    for (const symbol of symbols(place.current)) {
      const name = symbol.dataset["symbol"] as SymbolName;
      symbol.setAttribute("aria-description", plain(meaning(name, term, store, words)));
      symbol.classList.toggle("lit", result !== null && speaksOf(name, term, pointed, result.pairs, result.layout));
    }
  });
  const point = (event: Event) => {
    const symbol = (event.target as HTMLElement).closest<HTMLElement>("[data-symbol]")?.dataset["symbol"] as SymbolName | undefined;
    store.point(symbol ? { symbol, term } : null);
  };
  return (
    <div class="typeset">
      <div
        class="tex" role="group" aria-label={words[`term.${term}`]} ref={place} onPointerOver={point} onPointerLeave={() => store.point(null)} onFocusIn={point} onFocusOut={() => store.point(null)} onClick={point}
        // KaTeX's own output, made of the constants in terms.ts
        dangerouslySetInnerHTML={{ __html: html }}
      />
      <p class="meaning" ref={note} onClick={() => store.point(null)}>{said && <Said text={said} />}</p>
    </div>
  );
}

/** Where the card of the tour begins on a phone, else the end of the window. */
function lowest(): number {
  const card = document.querySelector(".tour");
  return card && getComputedStyle(card).position === "fixed" ? card.getBoundingClientRect().top : innerHeight;
}

/** Where the picture ends that stays at the top on a phone. */
function highest(): number {
  const stage = document.querySelector(".stage");
  return stage && getComputedStyle(stage).position === "sticky" ? stage.getBoundingClientRect().bottom : 0;
}

const symbols = (place: HTMLElement | null) => Array.from(place?.querySelectorAll<HTMLElement>("[data-symbol]") ?? []);

function Elements({ term, result }: { term: TermName; result: Result }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state } = store;
  const [all, setAll] = useState(false);
  const order = useRef(new Order());
  const lambda = result.lambdas[TERMS.indexOf(term)] as number;
  const elements = elementsOf(term, result.outputs, lambda);
  if (elements.length === 0) return <p class="quiet">{words.noElements}</p>;
  const largest = Math.max(...elements.map((each) => each.value), 1e-12);
  const ranked = order.current.open(state.openElements.length > 0, elements);
  const seen = all ? ranked : ranked.slice(0, FEW);
  const className = (label: number) => store.className(label);
  return (
    <>
      <p class="quiet">{fill(words.elementsOf, { count: elements.length })}</p>
      <ol class="elements">
        {seen.map(({ element, index }) => {
          const [row, col] = rowCol(result.layout, cellOf(result.layout, element.predictor));
          const open = state.openElements.includes(index);
          return (
            <li key={index} data-predictor={element.predictor} onPointerEnter={() => store.point({ predictor: element.predictor })} onPointerLeave={() => store.point(null)}>
              <button type="button" aria-expanded={open} data-element={index} onFocus={() => store.point({ predictor: element.predictor })} onBlur={() => store.point(null)}
                onClick={() => store.openPart(index, term, element.predictor)}>
                <span class="what"><b>{partName(term, element, result, words, className)}</b> {fill(term === "cls" ? words.elementCell : words.elementBox, { row, col, box: element.predictor % result.layout.boxes })}{labelOf(element, result, words, className)}</span>
                <i class="amount" style={{ width: `${(60 * element.value) / largest}%` }} />
                <Value name={`element.${term}.${index}`} value={element.value} />
                <i class="turn" aria-hidden="true" />
              </button>
              {open && <PutIn term={term} element={element} lambda={lambda} result={result} />}
            </li>
          );
        })}
      </ol>
      {elements.length > FEW && (
        <button type="button" class="more" onClick={() => setAll(!all)}>{all ? words.showFewer : fill(words.showAll, { count: elements.length })}</button>
      )}
    </>
  );
}

/** The object that a part is about. */
function labelOf(element: Element, result: Result, words: Words, className: (label: number) => string): string {
  const pair = result.pairs.find((each) => each.predictor === element.predictor);
  return pair ? fill(words.ofObject, { label: className(result.truths[pair.object]?.label ?? 0) }) : "";
}

/** Largest first; while one is open, as it was, so that it stays where it is. */
class Order {
  private last: number[] = [];

  open(keep: boolean, elements: Element[]): { element: Element; index: number }[] {
    if (!keep || this.last.length !== elements.length) {
      this.last = elements.map((_, index) => index).sort((a, b) => (elements[b] as Element).value - (elements[a] as Element).value);
    }
    return this.last.map((index) => ({ element: elements[index] as Element, index }));
  }
}

function partName(term: TermName, element: Element, result: Result, words: Words, className: (label: number) => string): string {
  if (term === "xy") return element.part === 0 ? "x" : "y";
  if (term === "wh") return (result.options.size_term === "sqrt" ? "√" : "") + (element.part === 0 ? "w" : "h");
  if (term === "cls") return fill(words.part_class, { label: className(element.part) });
  return words.part_confidence;
}

interface Side {
  value: number;
  /** The number put in is the root of this one. */
  root: boolean;
}

/** What is put in: the prediction and the target, or the sizes whose roots they are. */
function sidesOf(term: TermName, { predictor, part, pred, target }: Element, result: Result): [Side, Side] {
  const object = result.pairs.find((pair) => pair.predictor === predictor)?.object;
  const predicted = result.decoded[4 * predictor + 2 + part];
  const truth = object === undefined ? undefined : result.truths[object]?.box[2 + part];
  const root = term === "wh" && result.options.size_term === "sqrt" && pred >= 0 && predicted !== undefined && truth !== undefined;
  return root ? [{ value: predicted, root }, { value: truth, root }] : [{ value: pred, root }, { value: target, root }];
}

/** With so many digits that a calculator agrees with the result. */
const exact = (value: number) => String(+value.toFixed(5));

/** The numbers of one element, as the graph used them. */
function PutIn({ term, element, lambda, result }: { term: TermName; element: Element; lambda: number; result: Result }): JSX.Element {
  const words = useWords();
  const { class_term, penalty } = result.options;
  const kind = (term === "cls" ? class_term : penalty) as string;
  const [pred, target] = sidesOf(term, element, result).map(({ value, root }) => (root ? `\\sqrt{${exact(value)}}` : exact(value)));
  const difference = `${pred} - ${target}`;
  const middle = { squared_error: `(${difference})^2`, absolute_error: `|${difference}|` }[kind] ?? short(element.penalty);
  const squared = kind === "squared_error";
  const weight = element.weight === 1 ? "" : `${+element.weight.toFixed(3)}\\times `;
  const tex = `${+lambda.toFixed(2)}\\times ${weight}${middle} = ${short(element.value)}`.replaceAll("−", "-");
  const html = useMemo(() => katex.renderToString(tex, { output: "html", strict: false }), [tex]);
  return (
    <div class="put-in">
      <div class="tex" aria-hidden="true" dangerouslySetInnerHTML={{ __html: html }} />
      <dl>
        <div><dt>{words.prediction}</dt><dd><Value name="pred" value={element.pred} /></dd></div>
        <div><dt>{words.target}</dt><dd><Value name="target" value={element.target} /></dd></div>
        <div><dt>{squared ? words.squared : words.penalty}</dt><dd><Value name="penalty" value={element.penalty} /></dd></div>
        {element.weight !== 1 && <div><dt>{words.weight}</dt><dd><Value name="weight" value={element.weight} /></dd></div>}
        <div><dt>λ<sub>{LAMBDA_OF[term]}</sub></dt><dd><Value name="lambda" value={lambda} /></dd></div>
      </dl>
      <Turn term={term} element={element} result={result} />
    </div>
  );
}

/** A confidence or a class score can be changed where it is read. */
function Turn({ term, element, result }: { term: TermName; element: Element; result: Result }): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const { predictor, part } = element;
  const { layout, raw } = result;
  const cell = cellOf(layout, predictor);
  if (term === "xy" || term === "wh") return null;
  const value = raw[term === "cls" ? classOffset(layout, cell) + part : boxOffset(layout, predictor) + 4] as number;
  const turn = (to: number) => (term === "cls" ? store.setClass(cell, part, to) : store.setConfidence(predictor, to));
  return (
    <label class="turner">
      {term === "cls" ? fill(words.part_class, { label: store.className(part) }) : words.confidence}
      <input type="range" min="0" max="1" step="0.01" value={value} onInput={(event) => turn(Number(event.currentTarget.value))} />
    </label>
  );
}
