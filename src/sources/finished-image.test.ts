import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { utf8 } from "../bytes/index.ts";
import { encodeCpio } from "../formats/cpio/index.ts";
import { holdsInitramfs } from "./finished-image.ts";

const owned = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
const archive = Buffer.from(
  encodeCpio([{ ...owned, path: utf8("init"), kind: "file", contents: new Uint8Array(1 << 20) }]),
);

test.each(["gzip", "zstd -q", "xz -q", "lz4 -q", "lz4 -q -l", "bzip2"])(
  "%s: an archive of cpio's is known under any name, a text is none and a cut one is refused",
  async (command) => {
    const path = join(temporaryDirectory(), "anything");
    const packed = (input: Buffer): Buffer =>
      execFileSync("sh", ["-c", `${command} -c`], { input });
    writeFileSync(path, packed(archive));
    expect(await holdsInitramfs(path)).toBe(true);
    writeFileSync(path, packed(Buffer.from("0707, and more text than that")));
    expect(await holdsInitramfs(path)).toBe(false);
    writeFileSync(path, packed(archive).subarray(0, 8));
    await expect(holdsInitramfs(path)).rejects.toMatchObject({ code: "COMPRESSION_INVALID" });
  },
);

test("who stops it gets no answer", async () => {
  const path = join(temporaryDirectory(), "anything");
  writeFileSync(path, archive);
  const signal = AbortSignal.abort();
  await expect(holdsInitramfs(path, signal)).rejects.toMatchObject({ code: "INTERRUPTED" });
});
