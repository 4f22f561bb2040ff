import { le16, le32, sanitise, utf8 } from "../bytes/index.ts";
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
import { parseIpv4, parsePrefix, parseUuid } from "./record-values.ts";
import type { InitLimit, InitMount, InitRecords } from "./record-types.ts";

type Writer = (key: RecordKey, body: Uint8Array) => void;

function refused(key: RecordKey, is: string, wanted: string): WickError {
  return new WickError(
    "CONFIG_INVALID",
    `Cannot write init's record ${key}: ${is}, wanted ${wanted}`,
  );
}

function text(key: RecordKey, value: string): Uint8Array {
  if (value.includes("\0")) {
    throw refused(key, `"${sanitise(value)}" holds a NUL byte`, "text without one");
  }
  return utf8(value);
}

function number(codec: typeof le32, key: RecordKey, value: number): Uint8Array {
  const bytes = new Uint8Array(codec.sizeBytes);
  codec.write(new DataView(bytes.buffer), 0, value, `init's record ${key}`);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** All records of a list key; an empty list is one record without bytes. */
function list<T>(
  put: Writer,
  key: RecordKey,
  values: readonly T[] | undefined,
  body: (value: T) => Uint8Array,
): void {
  if (values === undefined) return;
  if (values.length === 0) put(key, new Uint8Array());
  for (const value of values) put(key, body(value));
}

function one<T>(
  put: Writer,
  key: RecordKey,
  value: T | undefined,
  body: (v: T) => Uint8Array,
): void {
  if (value !== undefined) put(key, body(value));
}

function envBody(value: string): Uint8Array {
  if (value.indexOf("=") < 1) {
    throw refused("ENV", `"${sanitise(value)}"`, "NAME=value");
  }
  return text("ENV", value);
}

function lineBody(key: RecordKey): (value: string) => Uint8Array {
  return (value) => {
    if (value === "" || /[\n\r]/u.test(value)) {
      throw refused(key, `"${sanitise(value)}"`, "one line of text");
    }
    return text(key, value);
  };
}

function absoluteBody(key: RecordKey): (value: string) => Uint8Array {
  return (value) => {
    if (!value.startsWith("/")) throw refused(key, `"${sanitise(value)}"`, "an absolute path");
    return text(key, value);
  };
}

function addressBody(value: { interface: string; address: string }): Uint8Array {
  const { ipv4, prefix } = parsePrefix(value.address);
  const name = text("ADDRESS", value.interface);
  if (name.length === 0 || name.length > 15) {
    throw refused("ADDRESS", `interface "${sanitise(value.interface)}"`, "1 to 15 bytes");
  }
  return concat(addressHead.encode({ ipv4, prefix }), name);
}

/** Without bytes where the image's own is taken away. */
function ipv4OrNone(value: string): Uint8Array {
  return value === "" ? new Uint8Array() : parseIpv4(value);
}

function mountBody(mount: InitMount): Uint8Array {
  const words = [mount.source, mount.target, mount.fstype, mount.data];
  absoluteBody("MOUNT")(mount.target);
  checkDriveSource(mount.source);
  for (const word of words) text("MOUNT", word);
  return concat(mountHead.encode({ flags: mount.flags }), utf8(words.join("\0")));
}

/** As init's mount-drive.c reads it: one name in the root of the drive with that UUID. */
function checkDriveSource(source: string): void {
  if (!source.startsWith("UUID=")) return;
  const [uuid = "", name = "", ...more] = source.slice("UUID=".length).split("/");
  parseUuid(uuid);
  if (name !== "" && name !== "." && name !== ".." && more.length === 0) return;
  throw refused("MOUNT", `the source "${sanitise(source)}"`, "UUID=8-4-4-4-12/NAME");
}

function limitValue(value: number | "unlimited"): bigint {
  if (value === "unlimited") return (1n << 64n) - 1n;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw refused("LIMIT", `${value}`, "a whole number or unlimited");
  }
  return BigInt(value);
}

function limitBytes(limit: InitLimit): Uint8Array {
  return limitBody.encode({
    resource: limitNumbers[limit.resource],
    soft: limitValue(limit.soft),
    hard: limitValue(limit.hard),
  });
}

function putApplication(put: Writer, records: InitRecords): void {
  if (records.argv?.length === 0) throw refused("ARGV", "no word", "a program");
  list(put, "ARGV", records.argv, (v) => text("ARGV", v));
  list(put, "ENV", records.env, envBody);
  one(put, "DIRECTORY", records.directory, absoluteBody("DIRECTORY"));
  one(put, "UID", records.uid, (v) => number(le32, "UID", v));
  one(put, "GID", records.gid, (v) => number(le32, "GID", v));
  list(put, "GROUP", records.groups, (v) => number(le32, "GROUP", v));
  one(put, "STOP_SIGNAL", records.stopSignal, (v) => {
    if (!(v >= 1 && v <= 64)) throw refused("STOP_SIGNAL", `${v}`, "1 to 64");
    return number(le32, "STOP_SIGNAL", v);
  });
  list(put, "LIMIT", records.limits, limitBytes);
}

function putMachine(put: Writer, records: InitRecords): void {
  one(put, "HOSTNAME", records.hostname, (v) => text("HOSTNAME", v));
  list(put, "ADDRESS", records.addresses, addressBody);
  one(put, "GATEWAY", records.gateway, ipv4OrNone);
  list(put, "NAMESERVER", records.nameservers, lineBody("NAMESERVER"));
  list(put, "SEARCH", records.search, lineBody("SEARCH"));
  list(put, "HOSTS", records.hosts, lineBody("HOSTS"));
  list(put, "PORT", records.ports, (v) => number(le16, "PORT", v));
  list(put, "MOUNT", records.mounts, mountBody);
  one(put, "ENDING", records.ending, (v) => number(le32, "ENDING", endings[v]));
  one(put, "READ_ONLY", records.readOnly, (v) => number(le32, "READ_ONLY", v ? 1 : 0));
  one(put, "NAMES", records.names, (v) => number(le32, "NAMES", v ? 1 : 0));
  one(put, "RELAY", records.relay, ipv4OrNone);
}

function putStage1(put: Writer, records: InitRecords): void {
  list(put, "MODULE", records.modules, absoluteBody("MODULE"));
  one(put, "ROOT", records.root, (root) =>
    concat(
      rootHead.encode({ uuid: parseUuid(root.uuid), mode: rootModes[root.mode] }),
      text("ROOT", root.fstype),
    ),
  );
  one(put, "OVERLAY", records.overlay, (v) =>
    v === "tmpfs" ? new Uint8Array() : parseUuid(v.uuid),
  );
  one(put, "ROOT_WAIT", records.rootWaitMs, (v) => number(le32, "ROOT_WAIT", v));
}

/** Bytes of a record file; the same records give the same bytes. */
export function encodeRecords(records: InitRecords): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let count = 0;
  const put: Writer = (key, body) => {
    if (body.length > recordsLimits.recordBytes) {
      throw refused(key, `${body.length} bytes`, `at most ${recordsLimits.recordBytes}`);
    }
    if (++count > recordsLimits.records) {
      throw refused(key, "too many records", `at most ${recordsLimits.records}`);
    }
    const { key: tag, must } = recordKeys[key];
    parts.push(
      recordHeader.encode({ tag: must ? tag | MUST_UNDERSTAND : tag, length: body.length }),
      body,
    );
  };
  putApplication(put, records);
  putMachine(put, records);
  putStage1(put, records);
  const body = concat(...parts);
  const length = body.length;
  const header = { magic: utf8(recordsMagic), version: recordsVersion, length };
  if (fileHeader.sizeBytes + length > recordsLimits.fileBytes) {
    throw new WickError(
      "CONFIG_INVALID",
      `Cannot write init's records: ${length} bytes, wanted less than ${recordsLimits.fileBytes}`,
      { hint: "shorten the command or the environment" },
    );
  }
  return concat(fileHeader.encode(header), body);
}
