import * as fc from "fast-check";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { compileInitPart } from "../../test/support/init-part.ts";
import { lastingDirectory } from "../../test/support/temporary-directory.ts";
import { isWickError } from "../errors/index.ts";
import { decodeRecords, encodeRecords } from "./records.ts";

let directory: string;
let program: string;

beforeAll(() => {
  directory = lastingDirectory();
  const files = ["records.c", "memory.c", "errors.c", "files.c", "text.c", "copy.c"];
  program = compileInitPart("records-main.c", files, directory);
});

/** What init's own reader says of a record file. */
function initReads(bytes: Uint8Array): string {
  const path = join(directory, "records");
  writeFileSync(path, bytes);
  return execFileSync(program, [path], { encoding: "utf8" });
}

const good = encodeRecords({ argv: ["sh", "-c", "true"], hostname: "h", ending: "restart" });

test("init takes what the encoder makes", () => {
  expect(initReads(good)).toBe("accepted; ending");
});

test("of a file that init refuses nothing is used any more, not even how the machine ends", () => {
  const cut = Uint8Array.from([...good, 16, 0, 4]);
  new DataView(cut.buffer).setUint32(12, cut.length - 16, true);
  expect(initReads(cut)).toBe("refused run.rec: a record's head is cut; no ending");
  expect(initReads(good.subarray(0, 40))).toBe("refused run.rec: cut or overlong; no ending");
});

test("what init takes in form, the decoder takes too, and the reverse", () => {
  const patches = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(patches, fc.integer({ min: 0, max: good.length }), (changes, length) => {
      const bytes = good.slice(0, length);
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      const accepted = initReads(bytes).startsWith("accepted");
      // Values are init's to judge when it uses them; the decoder looks at them at once.
      if (!accepted) expect(() => decodeRecords(bytes)).toThrow();
      else if (!isDecodable(bytes)) expect(formIsRefused(bytes)).toBe(false);
    }),
    { numRuns: 150 },
  );
});

const isDecodable = (bytes: Uint8Array): boolean => messageOf(bytes) === undefined;

/** Whether the decoder refuses the file's form, and not a record's value. */
const formIsRefused = (bytes: Uint8Array): boolean =>
  /magic|version|bytes follow|head is cut|are left|must be understood|wanted 16 to/u.test(
    messageOf(bytes)!,
  );

function messageOf(bytes: Uint8Array): string | undefined {
  try {
    decodeRecords(bytes);
    return undefined;
  } catch (error) {
    if (isWickError(error)) return error.message;
    throw error;
  }
}
