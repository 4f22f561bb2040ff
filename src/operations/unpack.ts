import { createHash } from "node:crypto";
import { resolve } from "node:path";
import * as v from "valibot";
import { sanitise } from "../bytes/index.ts";
import { parseOptions } from "../config/index.ts";
import { WickError } from "../errors/index.ts";
import {
  checkOutput,
  FileStorage,
  publish,
  throwIfAborted,
  type PublishOptions,
} from "../host/index.ts";
import { type PackRecord, readPackRecord } from "../kernel/index.ts";
import { checkDistinct, checkNotInput } from "./common/check-distinct.ts";
import type { Context } from "./common/context.ts";
import { withClaims } from "./common/with-claims.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** Path of a packed file. */
  file: text,
  /** Where the kernel goes, and the initramfs. */
  kernel: v.optional(text),
  initramfs: v.optional(text),
});

/** What `unpack` is asked for. */
export type UnpackOptions = v.InferInput<typeof schema>;

const CHUNK_BYTES = 1 << 20;

/** Takes a packed file apart again; each part is compared with its digest. Its record. */
export async function unpack(options: UnpackOptions, context: Context): Promise<PackRecord> {
  const given = parseOptions(schema, options, "unpack");
  const at = (path: string): string => resolve(context.workingDirectory, path);
  const outputs = [given.kernel, given.initramfs].filter((path) => path !== undefined);
  for (const path of outputs) checkOutput(at(path));
  checkDistinct(outputs.map(at));
  checkNotInput(outputs.map(at), [at(given.file)]);
  using storage = new FileStorage(at(given.file), "read");
  const record = readPackRecord(storage);
  if (record === undefined) {
    throw new WickError(
      "KERNEL_INVALID",
      `Cannot unpack ${sanitise(given.file)}: it is no packed file, wanted what wick pack wrote`,
    );
  }
  const { kernel, initramfs } = record;
  await withClaims(context, async (claim) => {
    const to = { claim, signal: context.signal };
    if (given.kernel !== undefined) {
      const part = { ...kernel, offset: 0, patched: record.patched, what: "kernel" };
      await writePart(storage, { ...part, output: at(given.kernel) }, to);
    }
    if (given.initramfs !== undefined) {
      const part = { ...initramfs, patched: [], what: "initramfs" };
      await writePart(storage, { ...part, output: at(given.initramfs) }, to);
    }
  });
  const { commandLine } = record;
  return commandLine === undefined ? record : { ...record, commandLine: sanitise(commandLine) };
}

interface Part {
  readonly what: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly patched: PackRecord["patched"];
  readonly output: string;
}

async function writePart(
  storage: FileStorage,
  part: Part,
  { claim, signal }: Pick<PublishOptions, "claim"> & { signal: AbortSignal | undefined },
): Promise<void> {
  const digest = createHash("sha256");
  const write = (output: FileStorage): void => {
    for (let done = 0; done < part.sizeBytes; done += CHUNK_BYTES) {
      throwIfAborted(signal);
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, part.sizeBytes - done));
      storage.readAt(chunk, part.offset + done);
      for (const field of part.patched) putBack(chunk, done, field);
      digest.update(chunk);
      output.writeAt(chunk, done);
    }
    const is = digest.digest("hex");
    if (is === part.sha256) return;
    throw new WickError(
      "DIGEST_MISMATCH",
      `Cannot unpack the ${part.what}: its SHA-256 is ${is}, wanted ${part.sha256}`,
    );
  };
  await publish(part.output, write, { claim });
}

/** What a changed field was, as far as `chunk`, the part's bytes from `start` on, has it. */
function putBack(
  chunk: Buffer,
  start: number,
  { offset, was }: PackRecord["patched"][number],
): void {
  for (const [i, byte] of Buffer.from(was, "hex").entries()) {
    const at = offset + i - start;
    if (at >= 0 && at < chunk.length) chunk[at] = byte;
  }
}
