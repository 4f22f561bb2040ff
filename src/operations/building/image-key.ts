import { createHash } from "node:crypto";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "../../application/index.ts";
import type { ContentPlan } from "../../config/index.ts";
import { initBinary } from "../../guest/index.ts";
import { readChunks, readSmallFile, statOf } from "../../host/index.ts";
import { directoryLayer, type SourceContents } from "../../sources/index.ts";
import type { LayerVisitor } from "../../tree/index.ts";
import { codeIdentity } from "./code-identity.ts";
import { ContentDigest } from "../writing/content-digest.ts";
import { toolIdentity } from "./image-tool.ts";

/** The shape of what is kept of an image; another one is another image. */
const KEY_VERSION = 1;

/**
 * What says where things come from and go to; what is in them is in the key, and the kernel that
 * they are packed into is another matter. Whether there must
 * be an application is asked of what was found.
 */
const LEFT_OUT =
  "source with add output packing needsApplication refresh rootDirectory pull insecure dockerfile allowed list outputFormat listPrefix bundle";

/** Files that `--add` brings are read once more for the key: not when that takes long. */
const ADDITIONS_MAX_BYTES = 64 << 20;

/**
 * What a finished image is known by: 64 hexadecimal digits of all that it follows from, so that
 * other layers, config, options, init or code never give the same (S10). Undefined where a
 * source cannot say what is in it without being read.
 */
export async function imageKey(
  plan: ContentPlan,
  sources: readonly SourceContents[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const identities = sources.map(({ identity }) => identity);
  if (identities.includes(undefined)) return undefined;
  const additions = await additionIdentities(plan, signal);
  if (additions === undefined) return undefined;
  const options = Object.fromEntries(
    Object.entries(plan).filter(([name]) => !LEFT_OUT.split(" ").includes(name)),
  );
  const init = sha256(readSmallFile(fileURLToPath(initBinary(plan.arch))));
  const made = { code: codeIdentity(), tool: toolIdentity(plan), init };
  const parts = { KEY_VERSION, ...made, identities, additions, options };
  return sha256(canonicalJson(parts));
}

/** What each `--add` brings and where to; undefined when that is too much to read twice. */
async function additionIdentities(
  plan: ContentPlan,
  signal?: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  const found: unknown[] = [];
  let left = ADDITIONS_MAX_BYTES;
  for (const { file, path } of plan.add) {
    const status = statOf(file);
    // What is missing, or cannot be added, is told when it is added.
    if (status?.isFile() !== true && status?.isDirectory() !== true) return undefined;
    const taken = new Digested(left);
    if (status.isDirectory()) await directoryLayer(file).play(taken.visitor, signal);
    else for await (const chunk of readChunks(file, signal)) taken.visitor.data(chunk);
    if (taken.isTooMuch) return undefined;
    left -= taken.bytes;
    found.push({ path, name: basename(file), mode: status.mode, digest: taken.hex() });
  }
  return found;
}

/** A layer's digest, given up where there is too much of it. */
class Digested {
  bytes = 0;
  readonly visitor: ContentDigest;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    const nothing = (): void => undefined;
    const count: LayerVisitor = {
      entry: nothing,
      data: (chunk) => void (this.bytes += chunk.length),
      hole: nothing,
      endFile: nothing,
      warn: nothing,
    };
    this.visitor = new ContentDigest(count);
  }

  get isTooMuch(): boolean {
    return this.bytes > this.#limit;
  }

  hex(): string {
    return this.visitor.hex();
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
