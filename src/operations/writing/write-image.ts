import type { AppConfig } from "../../application/index.ts";
import { endIdleWorkers } from "../../compression/index.ts";
import type { ContentPlan } from "../../config/index.ts";
import { throwIfAborted, type FileStorage } from "../../host/index.ts";
import { readFile } from "../../shaping/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import {
  graftTree,
  type Layer,
  type LayerVisitor,
  type Sink,
  Tree,
  Unpacker,
  unpackLayers,
} from "../../tree/index.ts";
import { addAdditions } from "./add-additions.ts";
import { ContentDigest } from "./content-digest.ts";
import type { Context } from "../common/context.ts";
import { createImage } from "./image-format.ts";
import type { ImageSummary, ImageWriter } from "./image-writer.ts";
import { installApplication, type Installed } from "./install-application.ts";
import { runStep } from "../common/progress.ts";
import { treeFacts, type TreeFacts } from "./tree-facts.ts";
import { uuidFrom } from "../common/uuid.ts";

/** What was written into an image. */
export interface WrittenImage {
  readonly image: ImageSummary;
  readonly tree: TreeFacts;
  readonly installed: Installed;
  readonly parts: SourceContents["parts"];
}

/** What a file of wick's own may hold, read back from the tree: accounts, host names. */
const MERGED_FILE_MAX_BYTES = 16 << 20;

/**
 * Builds the image of `plan` from its opened sources in `storage`, which is empty: each source's
 * layers go through the unpacker, their bytes straight to their final place, then what wick adds,
 * then the tree.
 */
export async function writeImage(
  plan: ContentPlan,
  sources: readonly SourceContents[],
  storage: FileStorage,
  context: Context,
): Promise<WrittenImage> {
  using work = new Work(plan, storage, context);
  await runStep(context.onEvent, { step: "unpack", title: "Write files" }, async (step) => {
    work.onBytes = (done) => step.bytes(done);
    for (const source of sources) {
      await work.add(source);
      work.endFirst();
    }
    await addAdditions(plan, work, context);
  });
  endIdleWorkers();
  // The contents go to the disk while the file system around them is written.
  storage.startSync();
  const names = { step: "image", title: "Write the file system" };
  return await runStep(context.onEvent, names, () => work.finish(configOf(sources), sources));
}

/** What is merged on top adds files; the application is that of the first source that names one. */
function configOf(sources: readonly SourceContents[]): AppConfig | undefined {
  return sources.find(({ config }) => config !== undefined)?.config;
}

/** One image under way. */
class Work implements Disposable {
  readonly tree = new Tree();
  readonly sink: Sink;
  readonly warn: (message: string) => void;
  onBytes: (done: number) => void = () => undefined;
  readonly #plan: ContentPlan;
  readonly #context: Context;
  readonly #image: ImageWriter;
  /** What the UUID follows from: identities of sources, digests of what could not say. */
  readonly #identity: string[] = [];
  #bytes = 0;
  #isFirst = true;

  constructor(plan: ContentPlan, storage: FileStorage, context: Context) {
    this.#plan = plan;
    this.#context = context;
    this.warn = (message) => context.onEvent({ type: "warning", message });
    this.#image = createImage(plan, {
      storage,
      uuid: () => uuidFrom(...this.#identity, planIdentity(plan)),
      warn: this.warn,
      signal: context.signal,
    });
    this.sink = this.#image.sink;
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
  }

  async add(source: SourceContents): Promise<void> {
    if (source.identity !== undefined) this.#identity.push(source.identity);
    const how = { isIdentified: source.identity !== undefined };
    const isImage = source.layers.some(({ whiteouts }) => whiteouts !== undefined);
    if (isImage) await this.#addImage(source.layers, how);
    else for (const layer of source.layers) await this.play(layer, how);
    if (source.finish === undefined) return;
    // It must see the tree made so far: a recipe's accounts are appended to those that are there.
    const read = (path: string): Uint8Array | undefined =>
      readFile(this.tree, this.sink, path, MERGED_FILE_MAX_BYTES);
    await this.play(source.finish(read), { isIdentified: false });
  }

  /** From here on everything is merged on top. */
  endFirst(): void {
    this.#isFirst = false;
  }

  async play(layer: Layer, how: { isIdentified: boolean }): Promise<void> {
    const { tree, sink, warn } = this;
    // On top of another source, a /lib fits into the link that a merged /usr has there.
    const directoryLinks = this.#isFirst ? "replace" : "keep";
    const unpacker = new Unpacker({ tree, sink, warn, directoryLinks });
    const digest = await this.#read(layer, unpacker, how);
    if (digest !== undefined) this.#identity.push(digest);
    unpacker.finish();
  }

  /** Layers that take away what lower ones of theirs have, and not what another source has. */
  async #addImage(layers: readonly Layer[], how: { isIdentified: boolean }): Promise<void> {
    const { sink, warn } = this;
    const tree = this.#isFirst ? this.tree : new Tree();
    const digests = new Map<Layer, string | undefined>();
    await unpackLayers(layers, {
      tree,
      sink,
      warn,
      play: async (layer, visitor) => {
        digests.set(layer, await this.#read(layer, visitor, how));
      },
      playAgain: (layer, visitor) => layer.play(visitor, this.#context.signal),
    });
    if (!this.#isFirst) graftTree(tree, { tree: this.tree, sink, warn, directoryLinks: "keep" });
    if (!how.isIdentified)
      for (const layer of layers) this.#identity.push(digests.get(layer) ?? "");
  }

  /** Plays a layer; returns what identifies what was in it, unless its source has said that. */
  async #read(
    layer: Layer,
    visitor: LayerVisitor,
    { isIdentified }: { readonly isIdentified: boolean },
  ): Promise<string | undefined> {
    const { signal } = this.#context;
    const counted = new Counted(visitor, (bytes) => this.#count(bytes));
    if (isIdentified || layer.digest !== undefined) {
      await layer.play(counted, signal);
      return isIdentified ? undefined : layer.digest!();
    }
    const digest = new ContentDigest(counted);
    await layer.play(digest, signal);
    return digest.hex();
  }

  identify(text: string): void {
    this.#identity.push(text);
  }

  async finish(
    config: AppConfig | undefined,
    sources: readonly SourceContents[],
  ): Promise<WrittenImage> {
    throwIfAborted(this.#context.signal);
    const installed = installApplication(this.#plan, this, config);
    for (const message of installed.notes) this.#context.onEvent({ type: "note", message });
    for (const { message } of installed.problems) this.warn(message);
    this.#identity.push(installed.identity);
    const image = await this.#image.finish(this.tree, orderOf(this.#plan, sources));
    const parts = sources.flatMap((source) => source.parts);
    return { image, tree: treeFacts(this.tree), installed, parts };
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.onBytes(this.#bytes);
  }
}

/** The order of a source that nothing is added to, its own init included. */
function orderOf(
  { add, init }: ContentPlan,
  [source, ...others]: readonly SourceContents[],
): SourceContents["order"] {
  const isAlone = others.length === 0 && add.length === 0 && init === "none";
  return isAlone && source?.finish === undefined ? source?.order : undefined;
}

/** What of the plan changes the image's bytes beyond its contents. */
function planIdentity(plan: ContentPlan): string {
  const { sizeBytes, volumeLabel, journal, mtimeSeconds, compression } = plan;
  const format = plan.format === "ext4" ? undefined : plan.format;
  return JSON.stringify({ sizeBytes, volumeLabel, journal, mtimeSeconds, format, compression });
}

/** Passes everything on and counts contents. */
class Counted implements LayerVisitor {
  readonly #next: LayerVisitor;
  readonly #count: (bytes: number) => void;

  constructor(next: LayerVisitor, count: (bytes: number) => void) {
    this.#next = next;
    this.#count = count;
  }

  entry(entry: Parameters<LayerVisitor["entry"]>[0]): void {
    this.#next.entry(entry);
  }

  data(chunk: Uint8Array): void {
    this.#next.data(chunk);
    this.#count(chunk.length);
  }

  hole(lengthBytes: number): void {
    this.#next.hole(lengthBytes);
  }

  endFile(): void {
    this.#next.endFile();
  }

  warn(message: string): void {
    this.#next.warn(message);
  }
}
