/** The loss, always in sight: one number, how it changed, and the share of each term. */
import type { JSX } from "preact";
import { useStore, useWords, Value } from "./context";
import { short } from "./format";
import type { Result } from "./store";
import { COLOURS, TERMS } from "./terms";
import { fill } from "./words";

export function LossBar(): JSX.Element {
  const { result, began } = useStore();
  const words = useWords();
  if (result === null) return <div class="loss-bar"><p class="total"><span>{words.total}</span> <span class="quiet" role="status">{words.loading}</span></p></div>;
  return (
    <div class="loss-bar">
      <p class="total"><span>{words.total}</span> <Value name="total" value={result.total} /> <Change now={result} began={began} words={words} /></p>
      <Variant />
      <Shares result={result} />
    </div>
  );
}

const OPTION_TITLES = { size_term: "sizeTerm", confidence_target: "confidenceTarget", class_term: "classTerm", penalty: "penaltyOption", size_encoding: "sizeEncoding" } as const;

/** What is not as in the paper, and the way back; none where a link takes the controls away. */
function Variant(): JSX.Element | null {
  const store = useStore();
  const words = useWords();
  const { hidden, lambdas, language } = store.state;
  const { variants } = store;
  if (variants.length === 0 || hidden.includes("lambdas") || hidden.includes("options")) return null;
  const said = variants.map((name) => (name in lambdas ? `λ ${name}` : words[OPTION_TITLES[name as keyof typeof OPTION_TITLES]]));
  return (
    <p class="variant" role="status">
      <span>{fill(words.notPaper, { what: said.join(language === "en" ? ", " : "、") })}</span>
      <button type="button" onClick={() => store.asPaper()}>{words.asPaper}</button>
    </p>
  );
}

function Change({ now, began, words }: { now: Result; began: Result | null; words: ReturnType<typeof useWords> }): JSX.Element | null {
  if (began === null || began.layout !== now.layout || short(now.total) === short(began.total)) return null;
  const change = now.total - began.total;
  return <span class="change">{fill(change < 0 ? words.lossFell : words.lossRose, { change: short(Math.abs(change)) })}</span>;
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
