/** The page: picture on the left, one section after the other on the right. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Bugs } from "./bugs";
import { useLow, useNarrow, useStore, useWords } from "./context";
import { Lambdas, Options } from "./controls";
import { Formula } from "./formula";
import { Generations } from "./generations";
import { LossBar } from "./loss_bar";
import { OwnBar } from "./own";
import { Pull } from "./pull";
import { Scene } from "./scene";
import { Share } from "./share";
import { pictureAddress, type Group, type Theme } from "./state";
import { Training } from "./training";
import { Tour } from "./tour";
import { PAGES, type Page } from "./tour_pages";
import { Legend, SceneBar, Values } from "./values";
import { fill } from "./words";

const NEXT_THEME: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };
const THEME_WORDS = { auto: "themeAuto", light: "themeLight", dark: "themeDark" } as const;

export function App({ pictures }: { pictures: string[] }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const narrow = useNarrow();
  const low = useLow();
  const { state } = store;
  const picture = store.own?.picture ?? (state.picture === null ? (pictures[state.scene] as string) : pictureAddress(state.picture));
  const has = (group: Group) => !state.hidden.includes(group);
  const tour = has("tour") && state.tour !== null && <Tour page={state.tour} />;
  useEffect(() => {
    document.documentElement.lang = state.language;
    document.title = words.title;
    if (state.theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = state.theme;
  }, [state.language, state.theme]);
  return (
    <>
      <header>
        <div>
          <h1>{words.title}</h1>
          <p class="lead">{words.lead}</p>
        </div>
        <nav>
          {has("tour") && state.tour === null && <button type="button" class="main" onClick={() => void store.tourTo(0, PAGES[0] as Page)}>{words.tourStart}</button>}
          <button type="button" lang={state.language === "en" ? "zh-TW" : "en"} onClick={() => store.set({ language: state.language === "en" ? "zh-TW" : "en" })}>{words.language}</button>
          <button type="button" onClick={() => store.set({ theme: NEXT_THEME[state.theme] })}>{words[THEME_WORDS[state.theme]]}</button>
          <Share />
        </nav>
      </header>
      {store.error && <p class="failure" role="alert">{fill(words.failed, { why: store.error })}</p>}
      {store.refused && <p class="failure" role="alert">{fill(words.pictureFailed, { why: store.refused })}</p>}
      {store.note && <p class="notice" role="status">{words[store.note]}</p>}
      {!low && tour}
      <main id="picture">
        <div class="left">
          {has("scene") && <SceneBar />}
          {has("scene") && state.tour === null && store.engine.own && <OwnBar />}
          <div class="stage"><Scene picture={picture} />{has("formula") && (narrow || low) && <LossBar />}</div>
          {has("values") && <Values />}
          <Legend />
          <p class="quiet">{words.sceneLead}</p>
          {has("scene") && (
            <div class="quiet help">
              <p>{words.sceneHelp}</p>
              <details><summary>{words.keys}</summary>{words.sceneKeys}</details>
            </div>
          )}
        </div>
        <div class="right">
          {low && tour}
          {has("formula") && !narrow && !low && <LossBar />}
          {has("formula") && <Formula />}
          {has("lambdas") && <Lambdas />}
          {has("options") && <Options />}
          {has("pull") && <Pull />}
          {has("generations") && <Generations picture={picture} />}
          {has("bugs") && <Bugs />}
          {has("training") && store.engine.trainer && <Training trainer={store.engine.trainer} />}
        </div>
      </main>
    </>
  );
}
