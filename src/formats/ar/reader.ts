import { display, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { ByteQueue } from "./byte-queue.ts";
import {
  ALIGNMENT,
  ARFMAG,
  arHeader,
  ARMAG,
  BSD_NAME,
  GNU_NAMES,
  SYMBOL_TABLES,
} from "./layout.ts";

/** A member of an archive. */
export interface ArMember {
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  /** Its bytes, to be read once and before the next member; what is not read is skipped. */
  readonly contents: AsyncIterable<Uint8Array>;
}

/** Names of one member, and all of GNU's long names together, in bytes: PATH_MAX, and a table of them. */
const NAME_LIMIT = 4096;
const NAMES_LIMIT = 1 << 20;

const SLASH = 0x2f;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * The members of an ar archive in order, symbol tables left out, as it streams by; GNU and
 * BSD long names are understood. Memory is bounded by one chunk and 1 MiB of names.
 * `what` names the archive in errors. Errors: ARCHIVE_INVALID, ARCHIVE_LIMIT.
 */
export async function* readAr(
  stream: AsyncIterable<Uint8Array>,
  what = "the ar archive",
): AsyncGenerator<ArMember, void> {
  const queue = new ByteQueue(stream);
  const reader = new MemberReader(queue, what);
  try {
    await reader.magic();
    for (let header = await reader.header(); header; header = await reader.header()) {
      const member = await reader.member(header);
      if (member === undefined) continue;
      yield member;
      await reader.skipRest();
    }
  } finally {
    await queue.close();
  }
}

interface Header {
  readonly name: Uint8Array;
  readonly sizeBytes: number;
}

class MemberReader {
  readonly #queue: ByteQueue;
  readonly #what: string;
  #longNames: Uint8Array = new Uint8Array(0);
  /** Of the current member: bytes of contents still to come, and the padding after them. */
  #left = 0;
  #padding = 0;

  constructor(queue: ByteQueue, what: string) {
    this.#queue = queue;
    this.#what = what;
  }

  async magic(): Promise<void> {
    const magic = display(await this.#queue.take(ARMAG.length));
    if (magic === display(utf8(ARMAG))) return;
    throw this.#invalid(`it begins with "${magic}", wanted "${display(utf8(ARMAG))}"`);
  }

  /** The next member's header; undefined at the end. */
  async header(): Promise<Header | undefined> {
    const bytes = await this.#queue.take(arHeader.sizeBytes);
    if (bytes.length === 0) return undefined;
    if (bytes.length < arHeader.sizeBytes) throw this.#invalid("it ends inside a header");
    const header = arHeader.read(bytes);
    if (text(header.ar_fmag) !== ARFMAG) {
      throw this.#invalid("a member's header does not end as it must: wrong size before it?");
    }
    const sizeBytes = this.#number(text(header.ar_size), "size");
    this.#left = sizeBytes;
    this.#padding = sizeBytes % ALIGNMENT;
    return { name: trimEnd(header.ar_name, SPACE), sizeBytes };
  }

  /** What the header stands for; undefined when that is no file. */
  async member(header: Header): Promise<ArMember | undefined> {
    const name = text(header.name);
    if (name === GNU_NAMES) {
      this.#longNames = Uint8Array.from(await this.#inside(header.sizeBytes, NAMES_LIMIT));
      await this.skipRest();
      return undefined;
    }
    const realName = await this.#nameOf(header);
    if (SYMBOL_TABLES.includes(text(realName))) {
      await this.skipRest();
      return undefined;
    }
    return { name: realName, sizeBytes: this.#left, contents: this.#contents() };
  }

  async skipRest(): Promise<void> {
    while (this.#left > 0) await this.#some();
    // dpkg and ar do not look at the padding; it may lack behind the last member.
    await this.#queue.take(this.#padding);
    this.#padding = 0;
  }

  async *#contents(): AsyncGenerator<Uint8Array, void> {
    const end = this.#queue.position + this.#left;
    while (this.#queue.position < end) {
      if (this.#queue.position + this.#left !== end) break;
      yield await this.#some();
    }
    if (this.#queue.position === end) return;
    throw new WickError("INTERNAL", `Cannot read ${this.#what}: a member read after the next one`);
  }

  async #some(): Promise<Uint8Array> {
    const some = await this.#queue.some(this.#left);
    if (some.length === 0) {
      throw this.#invalid(`it ends ${this.#left} bytes before the end of a member`);
    }
    this.#left -= some.length;
    return some;
  }

  /** The first `length` bytes of the member's contents. */
  async #inside(length: number, limit: number): Promise<Uint8Array> {
    if (length > limit) {
      throw new WickError(
        "ARCHIVE_LIMIT",
        `Cannot read ${this.#what}: names of ${length} bytes, the limit is ${limit}`,
      );
    }
    if (length > this.#left) throw this.#invalid("a name is longer than the member that holds it");
    const bytes = await this.#queue.take(length);
    this.#left -= bytes.length;
    if (bytes.length < length) throw this.#invalid("it ends inside a name");
    return bytes;
  }

  async #nameOf({ name }: Header): Promise<Uint8Array> {
    const written = text(name);
    if (written.startsWith(BSD_NAME)) {
      const length = this.#number(written.slice(BSD_NAME.length), "name's length");
      return trimEnd(await this.#inside(length, NAME_LIMIT), 0);
    }
    if (/^\/[0-9]/.test(written)) return this.#longName(this.#number(written.slice(1), "name"));
    if (SYMBOL_TABLES.includes(written)) return name;
    const plain = name.at(-1) === SLASH ? name.subarray(0, -1) : name;
    if (plain.length > 0) return plain;
    throw this.#invalid("a member without a name");
  }

  #longName(start: number): Uint8Array {
    const end = this.#longNames.indexOf(NEWLINE, start);
    if (start >= this.#longNames.length || end === -1 || end - start > NAME_LIMIT) {
      throw this.#invalid(`a member's name at byte ${start} of the names is not there`);
    }
    const name = this.#longNames.subarray(start, end);
    return name.at(-1) === SLASH ? name.subarray(0, -1) : name;
  }

  #number(digits: string, field: string): number {
    const trimmed = digits.trimEnd();
    if (/^[0-9]{1,10}$/.test(trimmed)) return Number(trimmed);
    throw this.#invalid(`a member's ${field} is "${display(utf8(digits))}", wanted a number`);
  }

  #invalid(is: string): WickError {
    return new WickError(
      "ARCHIVE_INVALID",
      `Cannot read ${this.#what} near byte ${this.#queue.position}: ${is}`,
    );
  }
}

/** Bytes as text, one character each: for comparing, never for showing. */
function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function trimEnd(bytes: Uint8Array, byte: number): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === byte) end--;
  return bytes.subarray(0, end);
}
