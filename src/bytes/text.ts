const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/**
 * `bytes` as text for a human: UTF-8 where it is valid; control characters, bidirectional
 * overrides and every other byte made visible as `\xNN` or `\u{N}`.
 */
export function display(bytes: Uint8Array): string {
  let text: string;
  try {
    text = strictDecoder.decode(bytes);
  } catch {
    text = Array.from(bytes, (b) => (b < 0x80 ? String.fromCharCode(b) : hexEscape(b))).join("");
  }
  return sanitise(text);
}

/** Control characters (C0, DEL, C1), and the marks that turn the direction of text. */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** `text` with control characters and bidirectional overrides made visible. */
export function sanitise(text: string): string {
  return text.replace(UNSAFE, (c) => {
    const code = c.codePointAt(0)!;
    return code < 0x100 ? hexEscape(code) : `\\u{${code.toString(16)}}`;
  });
}

/** Byte order of two names, as memcmp has it: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether two byte strings are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}
