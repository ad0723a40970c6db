/** Text with symbols of the formulas in it, between dollar signs. */
import katex from "katex";
import type { JSX } from "preact";

const typeset = new Map<string, string>();

export function Said({ text }: { text: string }): JSX.Element {
  return (
    <>
      {text.split("$").map((part, index) =>
        index % 2 === 0 ? part : (
          // KaTeX's own output, made of the texts of this page
          <span key={index} class="math" dangerouslySetInnerHTML={{ __html: html(part) }} />
        ))}
    </>
  );
}

function html(tex: string): string {
  const known = typeset.get(tex);
  if (known !== undefined) return known;
  const made = katex.renderToString(tex, { strict: false });
  typeset.set(tex, made);
  return made;
}

const LETTERS: [RegExp, string][] = [
  [/\\lambda/g, "λ"], [/\\mathbf\{1\}/g, "1"], [/\\text\{(\w+)\}/g, "$1"], [/\\sqrt\{?([^{}]+)\}?/g, "√$1"], [/\\hat\s?(\w)/g, "$1\u0302"],
  [/\\sum/g, "∑"], [/\\times/g, "×"], [/[{}$^_]/g, ""],
];

/** The same for a screen reader. */
export function plain(text: string): string {
  return text.replace(/\$[^$]*\$/g, (tex) => LETTERS.reduce((said, [from, to]) => said.replace(from, to), tex));
}
