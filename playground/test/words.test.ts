import { expect, test } from "vitest";
import { PAGES } from "../src/tour_pages";
import { GROUPS } from "../src/state";
import { fill, WORDS } from "../src/words";
import faults from "../graphs/faults.json";

const { en, "zh-TW": zh } = WORDS;
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
const texts: [string, string, string][] = [
  ...Object.keys(en).map((key): [string, string, string] => [key, en[key as keyof typeof en], zh[key as keyof typeof en]]),
  ...faults.map((fault, index): [string, string, string] => [`fault ${index + 1}`, fault.en, fault["zh-TW"]]),
  ...PAGES.flatMap((page, index): [string, string, string][] => [
    [`tour ${index} title`, page.title.en, page.title["zh-TW"]],
    [`tour ${index} text`, page.text.en, page.text["zh-TW"]],
    ...page.tasks.map((task): [string, string, string] => [`tour ${index} ${task.done}`, task.en, task["zh-TW"]]),
  ]),
];

test("both languages say everything, with the same numbers put in", () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
  for (const [key, english, chinese] of texts) {
    expect(english.trim(), key).not.toBe("");
    expect(chinese.trim(), key).not.toBe("");
    expect(holes(chinese), key).toEqual(holes(english));
  }
});

test("the Chinese is that of Taiwan", () => {
  const mainland = /默認|默认|視頻|数据|數據集|代碼|函數庫|菜單|屏幕|鼠標|信息|文件夾|界面|網格損失|質量|置信度|先驗框|優化|信噪/;
  const simplified = /[们这来时个为预测损权类别网络减训练图标记数据误开关点击]/;
  for (const [key, , chinese] of texts) {
    expect(chinese, key).not.toMatch(mainland);
    expect(chinese, key).not.toMatch(simplified);
  }
});

test("each group that can be hidden has a name", () => {
  for (const group of GROUPS) expect(en[`group_${group}`]).toBeTruthy();
});

test("fill leaves what it does not know", () => {
  expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
});
