import * as v from "valibot";
import { le32, raw, type ReadableStorage, struct, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { PackRecord } from "./types.ts";

/*
 * A packed file ends with its record: JSON, then this trailer. The kernel never looks at it:
 * it lies behind the initramfs, in memory that the header claims anyway.
 */
const trailer = struct("pack_trailer", 12, [
  [0x0, "length", le32], // of the JSON before it, in bytes
  [0x4, "magic", raw(8)], // "WICKPACK"
]);

const MAGIC = "WICKPACK";
/** A record has about 1 KiB, the command line up to 2 more. */
const RECORD_LIMIT = 65536;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[\da-f]{64}$/u));
const schema = v.strictObject({
  wick: v.literal(1),
  form: v.picklist(["Image", "ELF", "bzImage"]),
  arch: v.picklist(["x86_64", "aarch64"]),
  kernel: v.strictObject({ sizeBytes: count, sha256 }),
  initramfs: v.strictObject({
    offset: count,
    sizeBytes: count,
    sha256,
    parts: v.pipe(
      v.array(v.strictObject({ offset: count, sizeBytes: count })),
      v.minLength(1),
      v.maxLength(256),
    ),
  }),
  memoryEnd: count,
  commandLine: v.exactOptional(v.string()),
  patched: v.pipe(
    v.array(
      v.strictObject({
        field: v.string(),
        offset: count,
        was: v.pipe(v.string(), v.regex(/^([\da-f]{2}){1,64}$/u)),
      }),
    ),
    v.maxLength(64),
  ),
  leastMemoryMiB: count,
});

export function encodePackRecord(record: PackRecord): Uint8Array {
  const json = utf8(JSON.stringify(record));
  const bytes = new Uint8Array(json.length + trailer.sizeBytes);
  bytes.set(json);
  trailer.write(bytes, { length: json.length, magic: utf8(MAGIC) }, json.length);
  return bytes;
}

/**
 * A packed file's record, checked against the file's size; undefined when the file does not end
 * with one. Errors: KERNEL_INVALID.
 */
export function readPackRecord(storage: ReadableStorage): PackRecord | undefined {
  const end = storage.sizeBytes - trailer.sizeBytes;
  const tail = new Uint8Array(trailer.sizeBytes);
  if (end < 0 || storage.readAt(tail, end) < tail.length) return undefined;
  const { length, magic } = trailer.read(tail);
  if (String.fromCharCode(...magic) !== MAGIC) return undefined;
  if (length > Math.min(RECORD_LIMIT, end)) throw invalid(`it has ${length} bytes`);
  const json = new Uint8Array(length);
  storage.readAt(json, end - length);
  return checked(json, end - length);
}

function checked(json: Uint8Array, start: number): PackRecord {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    throw invalid("it is no JSON");
  }
  const result = v.safeParse(schema, value);
  if (!result.success) throw invalid("it has unknown keys or wrong values");
  const record = result.output;
  const { kernel, initramfs, patched } = record;
  const fits =
    kernel.sizeBytes <= initramfs.offset &&
    initramfs.offset + initramfs.sizeBytes <= start &&
    areInOrder(initramfs.parts, initramfs.sizeBytes) &&
    patched.every(({ offset, was }) => offset + was.length / 2 <= kernel.sizeBytes);
  if (!fits) throw invalid("its parts do not lie in the file");
  return record;
}

function areInOrder(parts: PackRecord["initramfs"]["parts"], sizeBytes: number): boolean {
  return parts.every(
    ({ offset, sizeBytes: own }, i) => offset + own <= (parts[i + 1]?.offset ?? sizeBytes),
  );
}

function invalid(is: string): WickError {
  return new WickError("KERNEL_INVALID", `Cannot read the packed file's record: ${is}`);
}
