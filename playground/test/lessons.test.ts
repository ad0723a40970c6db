import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseHash } from "../src/state";

const LESSONS = join(import.meta.dirname, "../../docs/lessons");
const links = ["en", "zh-TW"].flatMap((language) =>
  readdirSync(join(LESSONS, language)).flatMap((name) =>
    [...readFileSync(join(LESSONS, language, name), "utf8").matchAll(/playground\/index\.html#([^"]*)"/g)].map((match): [string, string, string] => [
      name, language, (match[1] as string).replaceAll("&amp;", "&"),
    ]),
  ),
);

test("lessons link to the page, in both languages alike", () => {
  const of = (language: string) => links.filter(([, each]) => each === language).map(([name, , hash]) => `${name} ${hash.replace(/lang=[^&]*/, "")}`);
  expect(of("en").length).toBeGreaterThan(5);
  expect(of("zh-TW")).toEqual(of("en"));
});

test.each(links)("%s, %s: the page knows all that the link says", (_, language, hash) => {
  const address = parseHash(hash);
  const said = new URLSearchParams(hash);
  expect(address.language).toBe(language);
  expect(Object.keys(address)).toHaveLength([...said.keys()].length);
  expect(address.hidden).toEqual(said.get("hide")?.split("."));
  expect(address.hidden).toContain("training"); // no server is behind the site
});
