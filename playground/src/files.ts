/** The page's own files: gzip-compressed, beside the page or inside it (the one-file page). */

declare global {
  interface Window {
    /** Contents by name, gzip as base64: only in the page that is one file. */
    yolossesFiles?: Record<string, string>;
  }
}

export async function readFile(name: string): Promise<Uint8Array> {
  const inside = window.yolossesFiles?.[name];
  if (inside !== undefined) return unzip(Uint8Array.from(atob(inside), (letter) => letter.charCodeAt(0)));
  const response = await fetch(`data/${name}.bin`);
  if (!response.ok) throw new Error(`data/${name}.bin: expected a file of the page; got status ${response.status}`);
  return unzip(new Uint8Array(await response.arrayBuffer()));
}

/** Compressed by the build, so that a server that compresses nothing still sends little. */
async function unzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
