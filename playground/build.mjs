// Builds the page into dist/: index.html, page.js, page.css and data/; and playground.html, the same page as one file.
// The former also go into the Python package, for `yolosses play`.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const OUT = "dist";
const PACKAGE = "../src/yolosses/apps/play/page";
const GRAPHS = "graphs";
const RUNTIME = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

await rm(OUT, { recursive: true, force: true });
await mkdir(join(OUT, "data"), { recursive: true });

// Compressed here, so that a server that compresses nothing still sends little.
const files = new Map();
for (const name of (await readdir(GRAPHS)).filter((name) => name.endsWith(".onnx") || name === "manifest.json").sort()) {
  files.set(name, gzipSync(await readFile(join(GRAPHS, name)), { level: 9 }));
}
files.set("ort.wasm", gzipSync(await readFile(RUNTIME), { level: 9 }));
for (const [name, bytes] of files) await writeFile(join(OUT, "data", `${name}.bin`), bytes);

const common = {
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
};
// KaTeX's older font formats are for browsers that cannot run WebAssembly.
const onlyWoff2 = {
  name: "only-woff2",
  setup(build) {
    build.onResolve({ filter: /\.(woff|ttf)$/ }, ({ path }) => ({ path, external: true }));
  },
};
const template = await readFile("index.html", "utf8");
const page = (style, script) => template.replace("<!-- style -->", () => style).replace("<!-- script -->", () => script);

await build({
  ...common,
  outdir: OUT,
  entryNames: "page",
  assetNames: "[name]",
  loader: { ".png": "file", ".woff2": "file" },
  plugins: [onlyWoff2],
});
await writeFile(
  join(OUT, "index.html"),
  page('<link rel="stylesheet" href="page.css" />', '<script type="module" src="page.js"></script>'),
);

await rm(PACKAGE, { recursive: true, force: true });
await cp(OUT, PACKAGE, { recursive: true });

const { outputFiles } = await build({
  ...common,
  outdir: OUT,
  write: false,
  loader: { ".png": "dataurl", ".woff2": "dataurl" },
  plugins: [onlyWoff2],
});
const text = (ending) => outputFiles.find(({ path }) => basename(path).endsWith(ending)).text;
const inside = JSON.stringify(Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString("base64")])));
await writeFile(
  join(OUT, "playground.html"),
  page(
    `<style>${text(".css")}</style>`,
    `<script>window.yolossesFiles=${inside}</script>\n<script type="module">${text(".js").replaceAll("</script", "<\\/script")}</script>`,
  ),
);

const sizes = async (folder) => {
  const names = await readdir(folder, { withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  return Promise.all(files.map(async ({ name }) => [name, (await readFile(join(folder, name))).length]));
};
for (const [name, size] of await sizes(OUT)) console.log(`${name}: ${(size / 1e6).toFixed(2)} MB`);
