/** The five terms: typeset, each with its value, its elements, and the numbers that were put in. */
import katex from "katex";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { useStore, useWords, Value } from "./context";
import { elementsOf, type Element } from "./elements";
import { short } from "./format";
import { speaksOf } from "./point";
import { cellOf, rowCol } from "./raw";
import { names } from "./scene";
import type { Result } from "./store";
import { COLOURS, DASHES, formula, LAMBDA_OF, NUMBERS, TERMS, type SymbolName, type TermName } from "./terms";
import { fill, type Words } from "./words";

const FEW = 8;

export function Formula(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { result } = store;
  return (
    <section class="formula" id="loss">
      <h2>{words.loss}</h2>
      <p class="lead">{words.lossLead}</p>
      <p class="total">
        <span>{words.total}</span> {result ? <Value name="total" value={result.total} /> : <span class="quiet" role="status">{words.loading}</span>}
      </p>
      {result && <Shares result={result} />}
      <div class="terms">{TERMS.map((term) => <Term key={term} term={term} />)}</div>
      <p class={names("meaning", store.pointed !== null && "symbol" in store.pointed && "says")} aria-live="polite">{meaning(store, words)}</p>
    </section>
  );
}

function meaning(store: ReturnType<typeof useStore>, words: Words): string {
  const { pointed, state } = store;
  if (pointed === null || !("symbol" in pointed)) return words.symbolHelp;
  if (pointed.symbol === "target") return words[`symbol.target.${state.options.confidence_target}` as keyof Words];
  return words[`symbol.${pointed.symbol}` as keyof Words];
}

/** One bar, divided among the terms. */
function Shares({ result }: { result: Result }): JSX.Element {
  const shown = result.terms.map((value) => Math.max(value, 0));
  const all = shown.reduce((a, b) => a + b, 1e-12); // parts of flex-grow that add up to less than 1 leave a gap
  return (
    <div class="shares" aria-hidden="true">
      {TERMS.map((term, index) => (
        <i key={term} class={`fill-${term}`} style={{ flexGrow: (1000 * (shown[index] as number)) / all, background: COLOURS[term] }} />
      ))}
    </div>
  );
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
    store.did(`open-${term}`);
    store.set({ openTerm: open ? null : term, openElement: null });
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
      </div>
    </article>
  );
}

function Typeset({ term }: { term: TermName }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const { state, result, pointed } = store;
  const tex = formula(term, state.options, state.lambdas);
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
      symbol.setAttribute("aria-description", words[(name === "target" ? `symbol.target.${state.options.confidence_target}` : `symbol.${name}`) as keyof Words]);
      symbol.classList.toggle("lit", result !== null && speaksOf(name, term, pointed, result.pairs, result.layout));
    }
  });
  const point = (event: Event) => {
    const symbol = (event.target as HTMLElement).closest<HTMLElement>("[data-symbol]")?.dataset["symbol"] as SymbolName | undefined;
    store.point(symbol ? { symbol, term } : null);
  };
  return (
    <div
      class="tex" role="group" aria-label={words[`term.${term}`]} ref={place} onPointerOver={point} onPointerLeave={() => store.point(null)} onFocusIn={point} onFocusOut={() => store.point(null)} onClick={point}
      // KaTeX's own output, made of the constants in terms.ts
      dangerouslySetInnerHTML={{ __html: html }}
    />
  );
}

const symbols = (place: HTMLElement | null) => Array.from(place?.querySelectorAll<HTMLElement>("[data-symbol]") ?? []);

function Elements({ term, result }: { term: TermName; result: Result }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state } = store;
  const [all, setAll] = useState(false);
  const lambda = result.lambdas[TERMS.indexOf(term)] as number;
  const elements = elementsOf(term, result.outputs, lambda);
  if (elements.length === 0) return <p class="quiet">{words.noElements}</p>;
  const largest = Math.max(...elements.map((each) => each.value), 1e-12);
  const ranked = elements.map((element, index) => ({ element, index })).sort((a, b) => b.element.value - a.element.value);
  const seen = all ? ranked : ranked.slice(0, FEW);
  return (
    <>
      <p class="quiet">{fill(words.elementsOf, { count: elements.length })}</p>
      <ol class="elements">
        {seen.map(({ element, index }) => {
          const [row, col] = rowCol(result.layout, cellOf(result.layout, element.predictor));
          const open = state.openElement === index;
          return (
            <li key={index} onPointerEnter={() => store.point({ predictor: element.predictor })} onPointerLeave={() => store.point(null)}>
              <button type="button" aria-expanded={open} data-element={index} onFocus={() => store.point({ predictor: element.predictor })} onBlur={() => store.point(null)}
                onClick={() => { store.did("element"); store.set({ openElement: open ? null : index }); }}>
                <span class="what"><b>{partName(term, element, result, words)}</b> {fill(words.elementBox, { row, col, box: element.predictor % result.layout.boxes })}</span>
                <i class="amount" style={{ width: `${(60 * element.value) / largest}%` }} />
                <Value name={`element.${term}.${index}`} value={element.value} />
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

function partName(term: TermName, element: Element, result: Result, words: Words): string {
  if (term === "xy") return element.part === 0 ? "x" : "y";
  if (term === "wh") return (result.options.size_term === "sqrt" ? "√" : "") + (element.part === 0 ? "w" : "h");
  if (term === "cls") return fill(words.part_class, { label: element.part });
  return words.part_confidence;
}

/** The numbers of one element, as the graph used them. */
function PutIn({ term, element, lambda, result }: { term: TermName; element: Element; lambda: number; result: Result }): JSX.Element {
  const words = useWords();
  const squared = term !== "cls" || result.options.class_term === "squared_error";
  const middle = squared ? `(${short(element.pred)} - ${short(element.target).replace("−", "-")})^2` : short(element.penalty);
  const tex = `${+lambda.toFixed(2)}\\times ${+element.weight.toFixed(3)}\\times ${middle} = ${short(element.value)}`.replaceAll("−", "-");
  const html = useMemo(() => katex.renderToString(tex, { output: "html", strict: false }), [tex]);
  return (
    <div class="put-in">
      <div class="tex" aria-hidden="true" dangerouslySetInnerHTML={{ __html: html }} />
      <dl>
        <div><dt>{words.prediction}</dt><dd><Value name="pred" value={element.pred} /></dd></div>
        <div><dt>{words.target}</dt><dd><Value name="target" value={element.target} /></dd></div>
        <div><dt>{words.penalty}</dt><dd><Value name="penalty" value={element.penalty} /></dd></div>
        <div><dt>{words.weight}</dt><dd><Value name="weight" value={element.weight} /></dd></div>
        <div><dt>λ<sub>{LAMBDA_OF[term]}</sub></dt><dd><Value name="lambda" value={lambda} /></dd></div>
      </dl>
    </div>
  );
}
