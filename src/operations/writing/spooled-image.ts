import { writeTar, type TarWriterOptions } from "../../formats/tar/index.ts";
import {
  type FileStorage,
  pipeThroughTool,
  throwIfAborted,
  temporaryStorage,
} from "../../host/index.ts";
import { SpoolSink, type Tree } from "../../tree/index.ts";

/** A tool that makes an image of a tar archive on its stdin. */
export interface TarTool {
  readonly name: string;
  readonly args: readonly string[];
  readonly purpose: string;
  readonly signal: AbortSignal | undefined;
}

/** Keeps files' bytes until a tool of somebody else's makes an image of them. */
export class Spool implements Disposable {
  readonly sink: SpoolSink;
  readonly #storage: FileStorage;

  constructor() {
    this.#storage = temporaryStorage("spool");
    this.sink = new SpoolSink(this.#storage);
  }

  /** Runs the tool with `tree` as its input. */
  async feed(tool: TarTool, tree: Tree, options: TarWriterOptions): Promise<void> {
    const { purpose, signal } = tool;
    const input = archive(writeTar(tree, this.sink, options), signal);
    // What it prints is for people who started it by hand.
    for await (const _ of pipeThroughTool(tool.name, tool.args, { purpose, input, signal })) {
      throwIfAborted(signal);
    }
  }

  [Symbol.dispose](): void {
    this.#storage[Symbol.dispose]();
  }
}

async function* archive(
  chunks: Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    throwIfAborted(signal);
    yield chunk;
  }
}
