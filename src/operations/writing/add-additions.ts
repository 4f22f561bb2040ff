import { createHash, type Hash } from "node:crypto";
import type { ContentPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { sanitise } from "../../bytes/index.ts";
import { readChunks, statOf } from "../../host/index.ts";
import { additionTarget, addFileStream, relocated, type Addition } from "../../shaping/index.ts";
import { directoryLayer } from "../../sources/index.ts";
import type { Layer, Sink, Tree } from "../../tree/index.ts";
import type { Context } from "../common/context.ts";

/** What additions are added to. */
interface Target {
  readonly tree: Tree;
  readonly sink: Sink;
  play(layer: Layer, how: { isIdentified: boolean }): Promise<void>;
  /** Takes what the image's identity must change with. */
  identify(text: string): void;
}

/** Adds each `--add FILE:PATH`, in order; files of the host are streamed. */
export async function addAdditions(
  plan: ContentPlan,
  target: Target,
  context: Context,
): Promise<void> {
  for (const addition of plan.add) await addOne(addition, { plan, target, context });
}

async function addOne(
  addition: Addition,
  { plan, target, context }: { plan: ContentPlan; target: Target; context: Context },
): Promise<void> {
  const status = statOf(addition.file);
  if (status === undefined) {
    throw new WickError(
      "SOURCE_NOT_FOUND",
      `Cannot add ${sanitise(addition.file)}: there is no such file or directory`,
    );
  }
  const { tree, sink } = target;
  const { mtimeSeconds } = plan;
  if (status.isDirectory()) {
    const path = additionTarget(tree, addition, "directory");
    const layer = relocated(directoryLayer(addition.file), path, { mtimeSeconds });
    return target.play(layer, { isIdentified: false });
  }
  if (!status.isFile()) {
    throw new WickError(
      "UNSUPPORTED",
      `Cannot add ${sanitise(addition.file)}: it is a device, pipe or socket, wanted a file or directory`,
    );
  }
  const path = additionTarget(tree, addition, "file");
  const hash = createHash("sha256").update(`${path} ${status.mode}\n`);
  const chunks = digested(readChunks(addition.file, context.signal), hash);
  const mtime = { seconds: mtimeSeconds, nanoseconds: 0 };
  const attributes = { mode: status.mode & 0o777, mtime };
  await addFileStream(tree, sink, path, { sizeBytes: status.size, chunks }, attributes);
  target.identify(hash.digest("hex"));
}

async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
