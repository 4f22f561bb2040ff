import type { Extended } from "./extended.ts";
import { readDecimal } from "./numbers.ts";
import { latin1 } from "./pax.ts";
import { mapOf, type SparseMap } from "./sparse.ts";
import type { Where } from "./where.ts";

/** How a pax header says that its file is sparse (GNU tar manual, Sparse Formats). */
export interface PaxSparse {
  /** Bytes of the file, holes included. */
  readonly realSize: number;
  /** The map, or undefined when it stands before the data (format 1.0). */
  readonly map: SparseMap | undefined;
}

/** Reads the `GNU.sparse.*` records; undefined when there are none. */
export function paxSparse(extended: Extended, where: Where): PaxSparse | undefined {
  if (extended.isPlain) return undefined;
  const text = (key: string): string | undefined => {
    const value = extended.get(`GNU.sparse.${key}`);
    return value === undefined ? undefined : latin1(value);
  };
  const number = (key: string): number => readDecimal(text(key) ?? "", `GNU.sparse.${key}`, where);
  if (text("major") !== undefined || text("minor") !== undefined) {
    const version = `${text("major")}.${text("minor")}`;
    if (version === "1.0") return { realSize: number("realsize"), map: undefined };
    if (version !== "0.0" && version !== "0.1") {
      throw where.invalid(`its sparse format is ${version}, wanted 0.0, 0.1 or 1.0`);
    }
  }
  const map = text("map")?.split(",") ?? extended.sparsePairs.map(latin1);
  if (map.length === 0 && text("numblocks") === undefined) return noMap(extended, where);
  return { realSize: number("size"), map: mapOf(emptied(map), number("numblocks"), where) };
}

/** An empty text is a list of nothing, not of one empty number. */
function emptied(numbers: readonly string[]): readonly string[] {
  return numbers.length === 1 && numbers[0] === "" ? [] : numbers;
}

/** GNU tar takes the name and size of such a header, Go ignores them. */
function noMap(extended: Extended, where: Where): undefined {
  for (const key of ["name", "size", "realsize"]) {
    if (extended.get(`GNU.sparse.${key}`) !== undefined) {
      throw where.invalid(`it has GNU.sparse.${key} without a sparse map`);
    }
  }
  return undefined;
}
