import type { Time } from "../../tree/index.ts";
import type { Where } from "./where.ts";

const ZERO = 0x30;
const SEVEN = 0x37;
/** Digits of the largest number that is read at all, leading zeros aside. */
const MAX_DIGITS = 16;
const NANOSECOND_DIGITS = 9;

/** Which bytes of a block hold a number, and the field's name for messages. */
export interface Field {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A number field of a header: octal text, or GNU's base-256 when the top bit is set. */
export function readNumber(block: Uint8Array, field: Field, where: Where): number {
  return block[field.start]! & 0x80
    ? readBase256(block, field, where)
    : readOctal(block, field, where);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** Octal text as GNU tar takes it: one leading NUL and spaces skipped, ended by NUL or space. */
function readOctal(block: Uint8Array, field: Field, where: Where): number {
  const { end } = field;
  let i = field.start;
  if (block[i] === 0) i++;
  while (i < end && isSpace(block[i])) i++;
  if (i === end) throw where.invalid(`its field ${field.name} is blank`);
  let value = 0;
  for (; i < end && block[i]! >= ZERO && block[i]! <= SEVEN; i++) {
    value = value * 8 + block[i]! - ZERO;
  }
  if (i < end && block[i] !== 0 && !isSpace(block[i])) {
    throw where.invalid(`its field ${field.name} is not an octal number`);
  }
  return value;
}

/** Two's complement, big-endian, the first bit only a mark; as Go's archive/tar and GNU tar. */
function readBase256(block: Uint8Array, field: Field, where: Where): number {
  const negative = (block[field.start]! & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = (block[field.start]! ^ flip) & 0x7f;
  for (let i = field.start + 1; i < field.end; i++) value = value * 256 + (block[i]! ^ flip);
  if (value >= Number.MAX_SAFE_INTEGER) {
    throw where.invalid(`its field ${field.name} is beyond 2^53`);
  }
  return negative ? -1 - value : value;
}

/** A pax or sparse-map number: decimal digits and nothing else. */
export function readDecimal(text: string, name: string, where: Where): number {
  const match = /^0*(\d+)$/.exec(text);
  const value = match === null || match[1]!.length > MAX_DIGITS ? NaN : Number(match[1]);
  if (!Number.isSafeInteger(value)) throw where.invalid(`its ${name} is not a number up to 2^53`);
  return value;
}

/** A pax time, `-1.5`: exact to the nanosecond, finer digits rounded down. */
export function readTime(text: string, name: string, where: Where): Time {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) throw where.invalid(`its ${name} is not a decimal time`);
  const whole = readDecimal(match[2]!, name, where);
  const fraction = match[3] ?? "";
  const nanoseconds = Number(fraction.slice(0, NANOSECOND_DIGITS).padEnd(NANOSECOND_DIGITS, "0"));
  if (match[1] === "") return { seconds: whole, nanoseconds };
  const finer = /[1-9]/.test(fraction.slice(NANOSECOND_DIGITS)) ? 1 : 0;
  return negativeTime(whole, nanoseconds + finer);
}

/** Minus (seconds + nanoseconds), with nanoseconds counted forwards from a whole second. */
function negativeTime(seconds: number, nanoseconds: number): Time {
  // 0 - 0 rather than -0, which is another value to whoever compares.
  if (nanoseconds === 0) return { seconds: 0 - seconds, nanoseconds: 0 };
  return { seconds: -1 - seconds, nanoseconds: 1e9 - nanoseconds };
}
