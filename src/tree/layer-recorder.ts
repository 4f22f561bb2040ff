import { withoutDotDot } from "./archive-path.ts";
import type { Entry, LayerVisitor } from "./entry.ts";
import { checkNode, checkPath } from "./entry-check.ts";
import { EntryLog } from "./entry-log.ts";
import { HIDES, type HiddenPaths } from "./hidden-paths.ts";
import { NO_PLACE, type Place, type Sink } from "./sink.ts";
import { whiteoutOf, type Whiteout } from "./whiteouts.ts";
import type { XattrLists } from "./xattr-lists.ts";

/** What the recorders of a stack of layers share. */
export interface Recording {
  readonly sink: Sink;
  readonly xattrs: XattrLists;
  /** What the layers recorded so far, all of them higher ones, hide. */
  readonly hidden: HiddenPaths;
  readonly warn: (message: string) => void;
  /** Takes note that the layer's file number `file` is not written; returns what is recorded as its place. */
  leaveOut(file: number, sizeBytes: number): Place;
  /** Told after each entry what the layer's log has grown to, in bytes; may throw. */
  onEntry(logBytes: number): void;
}

/** Records a layer's entries, and puts into the sink those files that no higher layer hides. */
export class LayerRecorder implements LayerVisitor {
  readonly log = new EntryLog();
  readonly #recording: Recording;
  /** The file whose contents are coming, and whether they are wanted. */
  #file: Entry | undefined;
  #isWanted = false;
  /** How many files have ended. */
  #files = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  entry(entry: Entry): void {
    checkPath(entry);
    const path = withoutDotDot(entry.path);
    const whiteout = whiteoutOf(path);
    if (whiteout !== undefined) return this.#whiteout(entry, whiteout);
    checkNode(entry);
    const { hidden, sink, xattrs } = this.#recording;
    // What a hard link's header says beside its target is nobody's.
    const known = { ...entry, path, xattrs: entry.type === "hardlink" ? [] : xattrs.shared(entry) };
    hidden.add(path, entry.type === "directory" ? HIDES.itself : HIDES.both);
    if (entry.type !== "file") return this.#record(known, NO_PLACE);
    this.#file = known;
    this.#isWanted = entry.size === 0 || !hidden.hides(path);
    if (this.#isWanted) sink.begin();
  }

  data(chunk: Uint8Array): void {
    if (this.#isWanted) this.#recording.sink.data(chunk);
  }

  hole(lengthBytes: number): void {
    if (this.#isWanted) this.#recording.sink.hole(lengthBytes);
  }

  endFile(): void {
    const file = this.#file;
    const number = this.#files++;
    this.#file = undefined;
    if (file === undefined) return; // of a whiteout
    const { sink } = this.#recording;
    this.#record(file, this.#isWanted ? sink.end() : this.#recording.leaveOut(number, file.size));
    this.#isWanted = false;
  }

  warn(message: string): void {
    this.#recording.warn(message);
  }

  /** The whiteout is recorded: what it meets is known when the layers below are. */
  #whiteout(entry: Entry, whiteout: Whiteout): void {
    if (whiteout.kind === "ignored") return;
    const bits = whiteout.kind === "opaque" ? HIDES.below : HIDES.both;
    this.#recording.hidden.add(whiteout.path, bits);
    // As a device it is the shortest entry without contents: only its name matters.
    this.#record({ ...entry, type: "fifo", size: 0, xattrs: [] }, NO_PLACE);
  }

  #record(entry: Entry, place: Place): void {
    this.log.add(entry, place);
    this.#recording.onEntry(this.log.sizeBytes);
  }
}
