/** For tests: sources opened from their text and unpacked into memory. */
import {
  openSource,
  parseSource,
  type SourceContents,
  type SourceOptions,
} from "../../src/sources/index.ts";
import { MemorySink, Tree, unpackLayers } from "../../src/tree/index.ts";
import { manifestOfTree } from "./manifest.ts";

/** What a source is opened with: `cache` is a directory of the test's. */
export interface OpenedBy {
  readonly cache: string;
  readonly cwd?: string;
  readonly architecture?: SourceOptions["architecture"];
  readonly environment?: Readonly<Record<string, string>>;
}

const own: SourceOptions["architecture"] = process.arch === "arm64" ? "aarch64" : "x86_64";

/** Opens a source as `wick build TEXT` does. */
export function opened(text: string, by: OpenedBy): Promise<SourceContents> {
  const parsed = parseSource(text, { cwd: by.cwd ?? by.cache });
  const { cache: cacheDirectory, environment, architecture = own } = by;
  return openSource(parsed, { cacheDirectory, environment, architecture }).open();
}

/** The tree of a source as lines to compare, and what else it says. */
export async function treeOf(
  text: string,
  by: OpenedBy,
): Promise<{ readonly lines: readonly string[]; readonly contents: SourceContents }> {
  const contents = await opened(text, by);
  try {
    return { lines: await unpacked(contents), contents };
  } finally {
    contents.release?.();
  }
}

/** Plays all layers into memory. */
export async function unpacked(contents: SourceContents): Promise<readonly string[]> {
  const tree = new Tree();
  const sink = new MemorySink();
  const play = (
    layer: SourceContents["layers"][number],
    visitor: Parameters<typeof layer.play>[0],
  ) => layer.play(visitor);
  await unpackLayers(contents.layers, { tree, sink, warn: () => undefined, play });
  return manifestOfTree(tree, sink);
}
