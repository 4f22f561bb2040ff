import { writeOut } from "./streams.ts";

/** Colours and weights (SGR) are harmless; every other escape sequence is made visible. */
const SGR = /^\[[0-9;]*m/;
const ESCAPE = "\u001b";
/** What may still become an SGR sequence, after its ESC. */
const OPEN = /^(\[[0-9;]*)?$/;

/**
 * Makes what a guest prints safe for a terminal: control characters other than newline,
 * carriage return, tab and SGR become visible. Keeps an escape that is cut between chunks.
 */
export class TerminalFilter {
  readonly #decoder = new TextDecoder("utf-8");
  #held = "";

  push(chunk: Uint8Array): string {
    const text = this.#held + this.#decoder.decode(chunk, { stream: true });
    const cut = text.lastIndexOf(ESCAPE);
    const open = cut >= 0 && text.length - cut < 16 && OPEN.test(text.slice(cut + 1));
    this.#held = open ? text.slice(cut) : "";
    return visible(open ? text.slice(0, cut) : text);
  }

  end(): string {
    const rest = visible(this.#held + this.#decoder.decode());
    this.#held = "";
    return rest;
  }
}

function visible(text: string): string {
  let shown = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const sgr = character === ESCAPE ? SGR.exec(text.slice(i + 1, i + 24))?.[0] : undefined;
    if (sgr !== undefined) i += sgr.length;
    shown += sgr === undefined ? shownCharacter(character) : ESCAPE + sgr;
  }
  return shown;
}

/** C0, C1 and the marks that turn the direction of text. */
const UNSAFE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

function shownCharacter(character: string): string {
  return UNSAFE.test(character) && !"\n\r\t".includes(character) ? escaped(character) : character;
}

function escaped(character: string): string {
  return `\\x${character.codePointAt(0)!.toString(16).padStart(2, "0")}`;
}

/**
 * Copies the console to `stream`: exact bytes into a file or pipe, made safe on a terminal.
 * Once nobody reads, `onNobodyReads` is called and the rest is dropped: a console that is not
 * drained would keep the machine from ending.
 */
export async function showConsole(
  console: AsyncIterable<Uint8Array>,
  stream: NodeJS.WriteStream,
  onNobodyReads: () => void,
): Promise<void> {
  const filter = stream.isTTY ? new TerminalFilter() : undefined;
  let isRead = true;
  for await (const chunk of console) {
    if (!isRead) continue;
    isRead = await writeOut(stream, filter === undefined ? chunk : filter.push(chunk));
    if (!isRead) onNobodyReads();
  }
  if (filter !== undefined) stream.write(filter.end());
}
