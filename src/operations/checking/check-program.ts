import { display, type ReadableStorage } from "../../bytes/index.ts";
import { readElf } from "../../formats/elf/index.ts";
import type { StartedProgram } from "../../shaping/index.ts";
import type { ImageFiles } from "./check-files.ts";

/** What a program says of itself, its libraries' words with its own. */
export interface ExaminedProgram {
  readonly isStatic: boolean;
  /** Functions that it and its libraries import. */
  readonly imports: ReadonlySet<string>;
  /** Names of its libraries. */
  readonly libraries: readonly string[];
  /** Which of {@link MARKS} stand among the program's own bytes. */
  readonly mentions: ReadonlySet<string>;
}

/** Texts that a program holds when it means to use what they name. */
const MARKS = ["/etc/resolv.conf", "/etc/passwd", "/etc/ssl/cert", "libnss_", "/proc/"];

const PIECE_BYTES = 1 << 20;
/** Of a program's bytes; no application that belongs into a small machine is larger. */
const SCAN_BYTES = 1 << 30;

/** Looks into a program and its libraries for what it will ask of the machine. */
export function examineProgram(
  files: ImageFiles,
  { path, elf, libraries }: StartedProgram,
): ExaminedProgram {
  const imports = new Set(elf.imports.map((name) => display(name)));
  for (const { file } of libraries) {
    file.read((bytes) => readElf(bytes).imports.forEach((name) => imports.add(display(name))));
  }
  return {
    isStatic: elf.interpreter === undefined,
    imports,
    libraries: libraries.map(({ name }) => name),
    mentions: files.find(path)!.read(mentionsIn),
  };
}

/** Which marks stand in the bytes, read in pieces that lie over each other by a mark's length. */
function mentionsIn(contents: ReadableStorage): Set<string> {
  const found = new Set<string>();
  const piece = Buffer.alloc(PIECE_BYTES);
  const step = PIECE_BYTES - Math.max(...MARKS.map((mark) => mark.length));
  const end = Math.min(contents.sizeBytes, SCAN_BYTES);
  for (let position = 0; position < end; position += step) {
    const bytes = piece.subarray(0, contents.readAt(piece, position));
    for (const mark of MARKS) if (bytes.includes(mark)) found.add(mark);
  }
  return found;
}
