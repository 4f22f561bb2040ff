import type { Layer, LayerVisitor } from "./entry.ts";
import type { EntryLog } from "./entry-log.ts";
import { HiddenPaths } from "./hidden-paths.ts";
import { LateFiles, LateReader } from "./late-files.ts";
import { LayerRecorder } from "./layer-recorder.ts";
import { RecordedPlaces } from "./recorded-places.ts";
import { MAX_INODES, MAX_METADATA_BYTES, tooLarge, tooMany } from "./unpack-limits.ts";
import { Unpacker, type UnpackOptions } from "./unpack.ts";
import { XattrLists } from "./xattr-lists.ts";

/** How an image's layers are unpacked. */
export interface StackOptions extends Omit<UnpackOptions, "whiteouts"> {
  /** Plays a layer, by {@link Layer.play} and whatever is to be done around it. */
  readonly play: (layer: Layer, visitor: LayerVisitor) => Promise<void>;
  /** Plays a layer once more; by default as `play` does. */
  readonly playAgain?: StackOptions["play"];
}

/** What became of the files of a stack of layers. */
export interface StackSummary {
  /** Files that were not written because a higher layer replaces or removes them, and their bytes. */
  readonly leftOutFiles: number;
  readonly leftOutBytes: number;
  /** How many of them were wanted after all, and written when their layer was read again. */
  readonly lateFiles: number;
}

/**
 * Unpacks the layers of one image, lowest first, into an empty tree. A single one goes straight
 * through. Of several the highest is played first: a file that a higher layer replaces or takes
 * away is not written at all. Their entries are recorded and then unpacked from the lowest up,
 * which alone decides what the tree is; a file that turns out to be wanted though it was left
 * out (another hard link leads to it, or a directory took the place of a symlink) is read again.
 */
export async function unpackLayers(
  layers: readonly Layer[],
  options: StackOptions,
): Promise<StackSummary> {
  if (layers.length > 1) return new Stack(layers, options).unpack();
  for (const layer of layers) {
    const unpacker = new Unpacker({ ...options, ...whiteoutsOf(layer) });
    await options.play(layer, unpacker);
    unpacker.finish();
  }
  return { leftOutFiles: 0, leftOutBytes: 0, lateFiles: 0 };
}

function whiteoutsOf({ whiteouts }: Layer): Pick<UnpackOptions, "whiteouts"> {
  return whiteouts === undefined ? {} : { whiteouts };
}

class Stack {
  readonly #layers: readonly Layer[];
  readonly #options: StackOptions;
  readonly #maxInodes: number;
  readonly #maxMetadataBytes: number;
  /** By layer. */
  readonly #logs: EntryLog[] = [];
  readonly #left = new LateFiles();
  #entries = 0;

  constructor(layers: readonly Layer[], options: StackOptions) {
    this.#layers = layers;
    this.#options = options;
    this.#maxInodes = options.maxInodes ?? MAX_INODES;
    this.#maxMetadataBytes = options.maxMetadataBytes ?? MAX_METADATA_BYTES;
  }

  async unpack(): Promise<StackSummary> {
    const ahead = new AbortController();
    try {
      await this.#record(ahead.signal);
    } finally {
      ahead.abort();
    }
    this.#merge();
    const lateFiles = await this.#readLate();
    return { leftOutFiles: this.#left.count, leftOutBytes: this.#left.bytes, lateFiles };
  }

  /** Plays all layers, the highest first; the one after it is told that its turn comes. */
  async #record(signal: AbortSignal): Promise<void> {
    const { sink, warn, play } = this.#options;
    const shared = { sink, warn, hidden: new HiddenPaths(), xattrs: new XattrLists() };
    let logBytes = 0;
    // In the order in which their bytes are needed.
    this.#layers.at(-1)?.prepare?.(signal);
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      this.#layers[i - 1]?.prepare?.(signal);
      const recorder = new LayerRecorder({
        ...shared,
        leaveOut: (file, sizeBytes) => this.#left.leaveOut(i, file, sizeBytes),
        onEntry: (bytes) => this.#checkLimits(logBytes + bytes),
      });
      await play(this.#layers[i]!, recorder);
      shared.hidden.endLayer();
      logBytes += recorder.log.sizeBytes;
      this.#logs[i] = recorder.log;
    }
  }

  #checkLimits(logBytes: number): void {
    if (++this.#entries > this.#maxInodes) throw tooMany(this.#maxInodes);
    if (logBytes > this.#maxMetadataBytes) throw tooLarge(this.#maxMetadataBytes);
  }

  /** Unpacks what was recorded, the lowest first; logs are let go on the way. */
  #merge(): void {
    const places = new RecordedPlaces(this.#options.sink);
    const unpacker = new Unpacker({ ...this.#options, sink: places, whiteouts: "oci" });
    for (const log of this.#logs) {
      for (const { entry, place } of log.take()) {
        unpacker.entry(entry);
        if (entry.type !== "file") continue;
        places.next = place;
        unpacker.hole(entry.size);
        unpacker.endFile();
      }
      unpacker.finish();
    }
  }

  async #readLate(): Promise<number> {
    const { tree, play, playAgain = play } = this.#options;
    let count = 0;
    for (const [layer, wanted] of this.#left.wantedIn(tree)) {
      const reader = new LateReader(this.#layers[layer]!, this.#options, wanted);
      await playAgain(this.#layers[layer]!, reader);
      reader.end();
      count += wanted.size;
    }
    return count;
  }
}
