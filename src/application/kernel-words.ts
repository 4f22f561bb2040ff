import { utf8 } from "../bytes/index.ts";

/*
 * How Linux takes its command line apart (next_arg in lib/cmdline.c): words end at white space
 * outside of double quotes; a quote around a whole word, or around what follows its `=`, goes;
 * others stay. Nothing escapes a quote.
 */

/** isspace() of lib/ctype.c; 0xa0, half of many a UTF-8 character, is one. */
const SPACE = /[\t\n\v\f\r \xa0]/;

/** `word` in the quotes that it needs; undefined when the kernel would not get it back. */
export function kernelWord(word: string): string | undefined {
  if (word.includes("\0")) return undefined;
  return spellings(word).find((spelled) => comesBack(spelled, word));
}

function spellings(word: string): string[] {
  const equals = word.indexOf("=");
  const value = `${word.slice(0, equals + 1)}"${word.slice(equals + 1)}"`;
  return [word, `"${word}"`, ...(equals < 0 ? [] : [value])];
}

/** Whatever follows on the line must not change how the word is read, nor the word what follows. */
function comesBack(spelled: string, word: string): boolean {
  const words = kernelWords(`${spelled} a`);
  return words.length === 2 && words[0] === latin1(word) && words[1] === "a";
}

/**
 * The words of a command line as the kernel hands them on, a character a byte. Of
 * `param="val"` and `"param=val"` it makes `param=val` (repair_env_string in init/main.c).
 */
export function kernelWords(line: string): string[] {
  const text = latin1(line);
  const words: string[] = [];
  for (let at = skipSpaces(text, 0); at < text.length;) {
    const { word, next } = nextWord(text, at);
    words.push(word);
    at = skipSpaces(text, next);
  }
  return words;
}

function nextWord(text: string, start: number): { readonly word: string; readonly next: number } {
  const isQuoted = text[start] === '"';
  const from = isQuoted ? start + 1 : start;
  let isInside = isQuoted;
  let equals = -1;
  let at = from;
  for (; at < text.length && (isInside || !SPACE.test(text[at]!)); at++) {
    // The kernel keeps the place as a number whose 0 means none: a leading = is not seen.
    if (equals < 0 && text[at] === "=" && at > from) equals = at;
    if (text[at] === '"') isInside = !isInside;
  }
  const word = unquoted(text.slice(from, at), { equals: equals - from, isQuoted });
  return { word, next: at + 1 };
}

/** The quote before a value goes with the one at the end, else the one before the whole word. */
function unquoted(
  raw: string,
  { equals, isQuoted }: { readonly equals: number; readonly isQuoted: boolean },
): string {
  const isClosed = raw.endsWith('"');
  if (equals > 0 && raw[equals + 1] === '"') {
    const value = raw.slice(equals + 2, isClosed ? -1 : undefined);
    return `${raw.slice(0, equals + 1)}${value}`;
  }
  return isQuoted && isClosed ? raw.slice(0, -1) : raw;
}

function skipSpaces(text: string, start: number): number {
  let at = start;
  while (at < text.length && SPACE.test(text[at]!)) at++;
  return at;
}

/** A character a byte; TextDecoder's latin1 is windows-1252 in some versions of Node. */
function latin1(text: string): string {
  return Array.from(utf8(text), (byte) => String.fromCharCode(byte)).join("");
}
