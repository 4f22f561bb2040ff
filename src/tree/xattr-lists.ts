import { display } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Entry, Xattr } from "./entry.ts";
import { showPath } from "./resolve.ts";

/** XATTR_NAME_MAX and XATTR_SIZE_MAX of include/uapi/linux/limits.h, in bytes. */
const MAX_NAME_BYTES = 255;
const MAX_VALUE_BYTES = 65536;
/** Lists up to this size are worth remembering: labels, capabilities. */
const SHARED_BYTES = 256;

/** Keeps equal lists of extended attributes once: a labelled tree has one for each file. */
export class XattrLists {
  readonly #lists = new Map<string, readonly Xattr[]>();

  /** The entry's list, checked, or an equal one met before. */
  shared(entry: Entry): readonly Xattr[] {
    const { xattrs } = entry;
    if (xattrs.length === 0) return xattrs;
    for (const xattr of xattrs) checkXattr(entry, xattr);
    const bytes = xattrs.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    if (bytes > SHARED_BYTES) return xattrs;
    const key = xattrs.map(keyOf).join("");
    const known = this.#lists.get(key);
    if (known === undefined) this.#lists.set(key, xattrs);
    return known ?? xattrs;
  }
}

function keyOf({ name, value }: Xattr): string {
  const lengths = String.fromCharCode(name.length, value.length);
  return lengths + String.fromCharCode(...name) + String.fromCharCode(...value);
}

function checkXattr(entry: Entry, { name, value }: Xattr): void {
  const inRange = name.length > 0 && name.length <= MAX_NAME_BYTES;
  if (inRange && value.length <= MAX_VALUE_BYTES && !name.includes(0)) return;
  const attribute = `attribute "${display(name.subarray(0, MAX_NAME_BYTES))}"`;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot add "${showPath(entry.path)}": ${attribute} has a name of ${name.length} and a value of ${value.length} bytes, Linux allows ${MAX_NAME_BYTES} and ${MAX_VALUE_BYTES}`,
  );
}
