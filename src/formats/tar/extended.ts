import type { TarLimits } from "./limits.ts";
import type { WickError } from "../../errors/index.ts";
import { parsePax, type PaxRecords } from "./pax.ts";
import { readText } from "./header.ts";
import { typeflags } from "./layout.ts";
import type { Where } from "./where.ts";

const EMPTY: PaxRecords = { values: new Map(), sparsePairs: [], repeated: new Set() };

/** What extended headers say about the entry that follows them, and about all that follow. */
export class Extended {
  longName: Uint8Array | undefined;
  longLink: Uint8Array | undefined;
  #local: PaxRecords | undefined;
  #localBytes = 0;
  #global: ReadonlyMap<string, Uint8Array> = new Map();
  readonly #limits: TarLimits;

  constructor(limits: TarLimits) {
    this.#limits = limits;
  }

  /** Whether some header waits for the entry it describes. */
  get pending(): boolean {
    return this.#localBytes > 0;
  }

  /** Whether no pax record at all holds for this entry. */
  get isPlain(): boolean {
    return this.#local === undefined && this.#global.size === 0;
  }

  /** Offset and length pairs of GNU's sparse format 0.0. */
  get sparsePairs(): readonly Uint8Array[] {
    return (this.#local ?? EMPTY).sparsePairs;
  }

  /** The value of a pax key for this entry, local before global. */
  get(key: string): Uint8Array | undefined {
    return this.#local?.values.get(key) ?? this.#global.get(key);
  }

  /** All records that hold for this entry. */
  records(): ReadonlyMap<string, Uint8Array> {
    const local = (this.#local ?? EMPTY).values;
    if (this.#global.size === 0) return local;
    return local.size === 0 ? this.#global : new Map([...this.#global, ...local]);
  }

  /** Counts bytes of headers towards the bound on one entry. */
  reserve(bytes: number, where: Where): void {
    this.#localBytes += bytes;
    if (this.#localBytes <= this.#limits.headerBytes) return;
    const limit = this.#limits.headerBytes;
    throw where.limit(`over ${limit} bytes of extended headers`, "headerBytes");
  }

  /** Checks that a global header of `bytes` may stand here and is within the bound. */
  reserveGlobal(bytes: number, where: Where): void {
    // Go's archive/tar forgets the local header here, GNU tar keeps it.
    if (this.pending) {
      throw where.invalid("a global header between an extended header and its entry");
    }
    if (bytes > this.#limits.headerBytes) throw this.#overGlobal(where);
  }

  /** Takes the payload of an extended header of type `typeflag`. */
  take(typeflag: number, payload: Uint8Array, where: Where): void {
    if (typeflag === typeflags.GNUTYPE_LONGNAME) this.longName = nameOf(payload, where);
    else if (typeflag === typeflags.GNUTYPE_LONGLINK) this.longLink = nameOf(payload, where);
    else if (typeflag === typeflags.XGLTYPE) this.#takeGlobal(parsePax(payload, where), where);
    // A second header replaces the first whole, as GNU tar and Go have it.
    else this.#local = parsePax(payload, where);
  }

  /** Forgets what was said about one entry. */
  reset(): void {
    this.longName = undefined;
    this.longLink = undefined;
    this.#local = undefined;
    this.#localBytes = 0;
  }

  /** A global header replaces the one before it whole, as GNU tar has it. */
  #takeGlobal(records: PaxRecords, where: Where): void {
    for (const key of records.values.keys()) {
      // Go and libarchive ignore global headers; this would make them see other entries.
      if (key === "size" || key.startsWith("GNU.sparse.")) {
        throw where.invalid(`a global header with a ${key} for all entries`);
      }
    }
    // Here GNU tar takes the first, in a local header the last.
    if (records.repeated.size > 0) throw where.invalid("a global header with a key twice");
    if (records.sparsePairs.length > 0) throw where.invalid("a sparse map for all entries");
    if (records.values.size > 0) this.#global = records.values;
  }

  #overGlobal(where: Where): WickError {
    return where.limit(`over ${this.#limits.headerBytes} bytes of global headers`, "headerBytes");
  }
}

function nameOf(payload: Uint8Array, where: Where): Uint8Array {
  const name = readText(payload, 0, payload.length);
  if (name.length === payload.length) throw where.invalid("its long name has no end");
  if (name.length === 0) throw where.invalid("its long name is empty");
  return name;
}
