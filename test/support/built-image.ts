/** For tests: images of any format on disk, and what went into them. */
import { join } from "node:path";
import type { FileSystemWriter } from "../../src/formats/file-system-writer.ts";
import { FileStorage } from "../../src/host/index.ts";
import type { Sink, Tree } from "../../src/tree/index.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { TreeMaker } from "./tree-maker.ts";

export const UUID = Uint8Array.from({ length: 16 }, (_, i) => 0x11 * i);

/** An image that a test has written, and what went into it. */
export interface BuiltImage<Summary> {
  readonly path: string;
  readonly tree: Tree;
  readonly sink: Sink;
  readonly summary: Summary;
  readonly warnings: readonly string[];
  /** What the kernel should find in it, as read back through the sink. */
  expected(): string[];
}

/** How an image is written. */
interface How<Summary> {
  readonly format: string;
  create(
    storage: FileStorage,
    own: { readonly uuid: Uint8Array; readonly warn: (message: string) => void },
  ): FileSystemWriter<Summary>;
  /** The lines of {@link BuiltImage.expected}. */
  manifest(tree: Tree, sink: Sink): string[];
}

/** Writes an image of what `fill` makes; it is removed with the test. */
export function buildImage<Summary>(
  fill: (make: TreeMaker) => void,
  how: How<Summary>,
): BuiltImage<Summary> {
  const path = join(temporaryDirectory(), `image.${how.format}`);
  const warnings: string[] = [];
  using storage = new FileStorage(path, "create");
  const warn = (message: string): void => void warnings.push(message);
  const writer = how.create(storage, { uuid: UUID, warn });
  const { sink } = writer;
  const make = new TreeMaker(sink);
  fill(make);
  const { tree } = make;
  const lines = how.manifest(tree, sink);
  return { path, tree, sink, summary: writer.finish(tree), warnings, expected: () => lines };
}
