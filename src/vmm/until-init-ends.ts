/** What the kernel says when process 1 ends; a time stands before it unless printk.time is off. */
const WORDS = "Kernel panic - not syncing: Attempted to kill init!";
const PANIC = new RegExp(`(?:\\[ *\\d+\\.\\d+\\] )?${WORDS}`);
/** Nothing, or what may be the beginning of that, at the end of a text. */
const BEGUN = new RegExp(`(?:\\[[ \\d.]*(?:\\] ?)?)?${beginningOf(WORDS)}$`);
/** No such line is longer up to its mark. */
const LINE_BYTES = 128;

/** A pattern of every beginning of `words`, the empty one too. */
function beginningOf(words: string): string {
  return words.split("").reduceRight((rest, letter) => `(?:${letter}${rest})?`, "");
}

/**
 * The console of a machine whose process 1 is the application, up to the kernel's panic about
 * its end: what the panic shows of the kernel is no news, and its first line holds the exit
 * status, which is read elsewhere. Bytes come as they are, a possible beginning of that line once
 * it is known not to be one.
 */
export async function* untilInitEnds(
  console: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let held = "";
  for await (const chunk of console) {
    const text = held + Buffer.from(chunk).toString("latin1");
    const end = PANIC.exec(text)?.index;
    if (end !== undefined) {
      yield Buffer.from(text.slice(0, end), "latin1");
      return;
    }
    const last = text.slice(-LINE_BYTES);
    const begun = text.length - last.length + BEGUN.exec(last)!.index;
    held = text.slice(begun);
    if (begun > 0) yield Buffer.from(text.slice(0, begun), "latin1");
  }
  if (held !== "") yield Buffer.from(held, "latin1");
}
