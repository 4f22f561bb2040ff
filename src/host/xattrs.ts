import { sanitise } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { pipeThroughTool } from "./pipe-tool.ts";
import { findProgram } from "./programs.ts";

/** An extended attribute as the kernel has it. */
export interface HostXattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** Extended attributes below a directory. */
export interface FoundXattrs {
  /** By absolute path, as latin1 text: one character a byte. */
  readonly byPath: ReadonlyMap<string, readonly HostXattr[]>;
  /** Why some could not be read, in the tool's words. */
  readonly problem?: string;
}

/**
 * Reads all extended attributes below `root` (absolute) that this user may see, by getfattr:
 * Node has no call for it. Undefined where the program is missing. Links are not followed.
 */
export async function readXattrs(
  root: string,
  signal?: AbortSignal,
): Promise<FoundXattrs | undefined> {
  if (findProgram("getfattr") === undefined) return undefined;
  const parser = new GetfattrParser();
  // `-P`, `-h`: neither walks through links nor reads through them; `-m -`: every name space.
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", root];
  const purpose = `read the extended attributes of ${sanitise(root)}`;
  try {
    for await (const chunk of pipeThroughTool("getfattr", args, { purpose, signal })) {
      parser.push(chunk);
    }
    return { byPath: parser.found };
  } catch (error) {
    if (!isWickError(error, "TOOL_FAILED")) throw error;
    return { byPath: parser.found, problem: error.detail.at(-1) ?? error.message };
  }
}

/** Lines `# file: PATH`, then `NAME=0xHEX`; `\ooo` in PATH and NAME for what is not plain. */
class GetfattrParser {
  readonly found = new Map<string, HostXattr[]>();
  #current: HostXattr[] = [];
  #rest = "";

  push(chunk: Uint8Array): void {
    const text = this.#rest + Buffer.from(chunk).toString("latin1");
    const lines = text.split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line.startsWith("# file: ")) {
      this.#current = [];
      this.found.set(unquote(line.slice(8)), this.#current);
      return;
    }
    const equals = line.indexOf("=");
    const name = equals === -1 ? line : line.slice(0, equals);
    if (name === "") return;
    const hex = equals === -1 ? "" : line.slice(equals + 3); // behind "=0x"
    this.#current.push({
      name: Buffer.from(unquote(name), "latin1"),
      value: Buffer.from(hex, "hex"),
    });
  }
}

function unquote(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
