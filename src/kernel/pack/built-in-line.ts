import { utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** COMMAND_LINE_SIZE (arch/{arm64,x86}/include/…/asm/setup.h), with the NUL. */
export const LINE_BYTES = 2048;

/** The built-in command line, in the two parts that go around the loader's own. */
export interface BuiltInLine {
  /** Options, with a space behind them. */
  readonly before: Uint8Array;
  /** What the first process gets: `-- words`. */
  readonly after: Uint8Array;
}

/** Parts of a built-in line; both empty for none. Errors: USAGE. */
export function splitLine(line: string | undefined): BuiltInLine {
  const text = line?.trim() ?? "";
  if (utf8(text).length >= LINE_BYTES) {
    throw new WickError(
      "USAGE",
      `Cannot build in the command line: ${utf8(text).length} bytes, the kernel takes ${LINE_BYTES - 1}`,
    );
  }
  const dashes = /(?:^| )--(?: |$)/.exec(text);
  const options = dashes === null ? text : text.slice(0, dashes.index).trim();
  const rest = dashes === null ? "" : text.slice(dashes.index).trim();
  return { before: utf8(options === "" ? "" : `${options} `), after: utf8(rest) };
}
