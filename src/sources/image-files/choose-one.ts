import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { parseReference, showReference } from "../../formats/oci/index.ts";

/** One of the images of a layout or an archive, and what it is called there. */
export interface Candidate<T> {
  readonly item: T;
  readonly names: readonly string[];
}

/** What is chosen by. */
interface Choice<T> {
  readonly reference: string;
  readonly tag: string | undefined;
  /** What tells images apart: one that has two names is one. */
  readonly key: (item: T) => string;
}

const SHOWN = 8;

/**
 * The images that `tag` names, or all where none is given: several only if no name tells them
 * apart (platforms of one image). USAGE where names do, SOURCE_NOT_FOUND where none has the tag.
 */
export function chooseOne<T>(
  candidates: readonly Candidate<T>[],
  { reference, tag, key }: Choice<T>,
): readonly T[] {
  const named = candidates.filter(({ names }) => tag === undefined || isNamed(names, tag));
  const found = [...new Map(named.map(({ item }) => [key(item), item])).values()];
  const all = [...new Set(candidates.flatMap(({ names }) => names))].map((name) => sanitise(name));
  const shown = all.length === 0 ? "none with a name" : all.slice(0, SHOWN).join(", ");
  if (found.length === 0) {
    const is = tag === undefined ? "no image at all" : shown;
    const wanted = tag === undefined ? "one" : `"${sanitise(tag)}"`;
    throw new WickError(
      "SOURCE_NOT_FOUND",
      `Cannot use ${reference}: it holds ${is}, wanted ${wanted}`,
    );
  }
  const distinct = new Set(named.map(({ names }) => names[0]));
  if (tag !== undefined || found.length === 1 || distinct.size === 1) return found;
  throw new WickError("USAGE", `Cannot choose of ${reference}: it holds ${found.length} images`, {
    hint: `add the name of one after a colon: ${shown}`,
  });
}

/** As it is written, or as what it means to a registry: `nginx` is `docker.io/library/nginx:latest`. */
function isNamed(names: readonly string[], tag: string): boolean {
  if (names.includes(tag)) return true;
  const wanted = complete(tag);
  return wanted !== undefined && names.some((name) => complete(name) === wanted);
}

function complete(name: string): string | undefined {
  try {
    return showReference(parseReference(name));
  } catch (error) {
    if (isWickError(error, "USAGE")) return undefined;
    throw error;
  }
}
