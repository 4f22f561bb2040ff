import { equalBytes, le16, le32, utf8, uuidText } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  MUST_UNDERSTAND,
  endings,
  limitNumbers,
  recordKeys,
  rootModes,
  type RecordKey,
} from "./record-keys.ts";
import {
  addressHead,
  fileHeader,
  limitBody,
  mountHead,
  recordHeader,
  recordsLimits,
  recordsMagic,
  recordsVersion,
  rootHead,
} from "./record-layout.ts";
import { formatIpv4 } from "./record-values.ts";
import type { InitLimit, InitMount, InitRecords } from "./record-types.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function invalid(what: string): WickError {
  return new WickError("IMAGE_INVALID", `Cannot read init's records: ${what}`);
}

const names = new Map<number, RecordKey>(
  Object.entries(recordKeys).map(([name, { key }]) => [key, name as RecordKey]),
);

/** Checks the header and returns where the records end. */
function checkHeader(bytes: Uint8Array): number {
  if (bytes.length < fileHeader.sizeBytes || bytes.length > recordsLimits.fileBytes) {
    throw invalid(`${bytes.length} bytes, wanted 16 to ${recordsLimits.fileBytes}`);
  }
  const header = fileHeader.read(bytes);
  if (!equalBytes(header.magic, utf8(recordsMagic))) throw invalid("their magic is missing");
  if (header.version !== recordsVersion) {
    throw invalid(`version ${header.version}, wanted ${recordsVersion}`);
  }
  if (header.length !== bytes.length - fileHeader.sizeBytes) {
    throw invalid(`${bytes.length - fileHeader.sizeBytes} bytes follow, wanted ${header.length}`);
  }
  return bytes.length;
}

/** The bodies by key; unknown keys are dropped unless they must be understood. */
function split(bytes: Uint8Array): Map<RecordKey, Uint8Array[]> {
  const end = checkHeader(bytes);
  const found = new Map<RecordKey, Uint8Array[]>();
  let count = 0;
  for (let at = fileHeader.sizeBytes; at < end;) {
    if (at + recordHeader.sizeBytes > end) throw invalid("a record's head is cut");
    const { tag, length } = recordHeader.read(bytes, at);
    at += recordHeader.sizeBytes;
    if (length > end - at || length > recordsLimits.recordBytes) {
      throw invalid(`record ${tag} has ${length} bytes, ${end - at} are left`);
    }
    if (++count > recordsLimits.records) throw invalid(`more than ${recordsLimits.records}`);
    const name = names.get(tag & ~MUST_UNDERSTAND);
    if (name === undefined && tag & MUST_UNDERSTAND) {
      throw invalid(`key ${tag & ~MUST_UNDERSTAND} is unknown and must be understood`);
    }
    if (name !== undefined) {
      const bodies = found.get(name) ?? [];
      bodies.push(bytes.subarray(at, at + length));
      found.set(name, bodies);
    }
    at += length;
  }
  return found;
}

function text(key: RecordKey, body: Uint8Array): string {
  if (body.includes(0)) throw invalid(`${key} holds a NUL byte`);
  try {
    return decoder.decode(body);
  } catch {
    throw invalid(`${key} is not UTF-8`);
  }
}

function number(codec: typeof le32, key: RecordKey, body: Uint8Array): number {
  if (body.length !== codec.sizeBytes) {
    throw invalid(`${key} has ${body.length} bytes, wanted ${codec.sizeBytes}`);
  }
  return codec.read(new DataView(body.buffer, body.byteOffset, body.length), 0);
}

function keyOf<K extends string>(table: Record<K, number>, value: number, what: RecordKey): K {
  for (const [name, n] of Object.entries(table)) if (n === value) return name as K;
  throw invalid(`${what} has the unknown value ${value}`);
}

function atLeast(key: RecordKey, body: Uint8Array, sizeBytes: number): void {
  if (body.length < sizeBytes) {
    throw invalid(`${key} has ${body.length} bytes, wanted ${sizeBytes} or more`);
  }
}

function readAddress(body: Uint8Array): { interface: string; address: string } {
  atLeast("ADDRESS", body, addressHead.sizeBytes + 1);
  const { ipv4, prefix } = addressHead.read(body);
  if (prefix > 32) throw invalid(`ADDRESS has the prefix ${prefix}, wanted 0 to 32`);
  const name = text("ADDRESS", body.subarray(addressHead.sizeBytes));
  return { interface: name, address: `${formatIpv4(ipv4)}/${prefix}` };
}

function readMount(body: Uint8Array): InitMount {
  atLeast("MOUNT", body, mountHead.sizeBytes);
  const words: string[] = [];
  let start = mountHead.sizeBytes;
  for (let i = start; i <= body.length; i++) {
    if (i < body.length && body[i] !== 0) continue;
    words.push(text("MOUNT", body.subarray(start, i)));
    start = i + 1;
  }
  const [source, target, fstype, data] = words;
  if (words.length !== 4) throw invalid(`MOUNT has ${words.length} words, wanted 4`);
  return {
    source: source!,
    target: target!,
    fstype: fstype!,
    flags: mountHead.read(body).flags,
    data: data!,
  };
}

function readLimitValue(value: bigint): number | "unlimited" {
  if (value === (1n << 64n) - 1n) return "unlimited";
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`LIMIT has the value ${value}`);
  return Number(value);
}

function readLimit(body: Uint8Array): InitLimit {
  if (body.length !== limitBody.sizeBytes) throw invalid(`LIMIT has ${body.length} bytes`);
  const { resource, soft, hard } = limitBody.read(body);
  return {
    resource: keyOf(limitNumbers, resource, "LIMIT"),
    soft: readLimitValue(soft),
    hard: readLimitValue(hard),
  };
}

function readRoot(body: Uint8Array): NonNullable<InitRecords["root"]> {
  atLeast("ROOT", body, rootHead.sizeBytes + 1);
  const { uuid, mode } = rootHead.read(body);
  return {
    uuid: uuidText(uuid),
    fstype: text("ROOT", body.subarray(rootHead.sizeBytes)),
    mode: keyOf(rootModes, mode, "ROOT"),
  };
}

function readOverlay(body: Uint8Array): NonNullable<InitRecords["overlay"]> {
  if (body.length === 0) return "tmpfs";
  if (body.length !== 16) throw invalid(`OVERLAY has ${body.length} bytes, wanted 0 or 16`);
  return { uuid: uuidText(body) };
}

class Found {
  readonly #bodies: Map<RecordKey, Uint8Array[]>;
  constructor(bodies: Map<RecordKey, Uint8Array[]>) {
    this.#bodies = bodies;
  }

  list<T>(key: RecordKey, read: (body: Uint8Array) => T): T[] | undefined {
    const bodies = this.#bodies.get(key);
    // One record without bytes is the empty list; an application's argument may well be "".
    if (bodies?.length === 1 && bodies[0]!.length === 0 && key !== "ARGV") return [];
    return bodies?.map(read);
  }

  one<T>(key: RecordKey, read: (body: Uint8Array) => T): T | undefined {
    const bodies = this.#bodies.get(key);
    if (bodies !== undefined && bodies.length > 1) throw invalid(`${key} comes twice`);
    return bodies === undefined ? undefined : read(bodies[0]!);
  }

  texts(key: RecordKey): string[] | undefined {
    return this.list(key, (body) => text(key, body));
  }

  text(key: RecordKey): string | undefined {
    return this.one(key, (body) => text(key, body));
  }

  number(key: RecordKey): number | undefined {
    return this.one(key, (body) => number(le32, key, body));
  }
}

const readIpv4OrNone =
  (key: RecordKey) =>
  (body: Uint8Array): string => {
    if (body.length !== 0 && body.length !== 4) throw invalid(`${key} has ${body.length} bytes`);
    return body.length === 0 ? "" : formatIpv4(body);
  };

function allOf(found: Found) {
  return {
    argv: found.texts("ARGV"),
    env: found.texts("ENV"),
    directory: found.text("DIRECTORY"),
    uid: found.number("UID"),
    gid: found.number("GID"),
    groups: found.list("GROUP", (body) => number(le32, "GROUP", body)),
    stopSignal: found.number("STOP_SIGNAL"),
    hostname: found.text("HOSTNAME"),
    addresses: found.list("ADDRESS", readAddress),
    gateway: found.one("GATEWAY", readIpv4OrNone("GATEWAY")),
    nameservers: found.texts("NAMESERVER"),
    search: found.texts("SEARCH"),
    hosts: found.texts("HOSTS"),
    ports: found.list("PORT", (body) => number(le16, "PORT", body)),
    mounts: found.list("MOUNT", readMount),
    ending: found.one("ENDING", (body) => keyOf(endings, number(le32, "ENDING", body), "ENDING")),
    limits: found.list("LIMIT", readLimit),
    readOnly: found.one("READ_ONLY", (body) => number(le32, "READ_ONLY", body) !== 0),
    names: found.one("NAMES", (body) => number(le32, "NAMES", body) !== 0),
    relay: found.one("RELAY", readIpv4OrNone("RELAY")),
    modules: found.texts("MODULE"),
    root: found.one("ROOT", readRoot),
    overlay: found.one("OVERLAY", readOverlay),
    rootWaitMs: found.number("ROOT_WAIT"),
  };
}

/** The records in `bytes`, for `inspect` and for tests; init has its own reader in C. */
export function decodeRecords(bytes: Uint8Array): InitRecords {
  const all = allOf(new Found(split(bytes)));
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
