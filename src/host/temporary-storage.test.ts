import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { explainFullDisk } from "./disk-full.ts";
import { setFaults } from "./faults.ts";
import { temporaryStorage } from "./temporary-storage.ts";

afterEach(() => setFaults([]));

test("a full disk of temporary files is told as that, whatever file it was for", () => {
  using storage = temporaryStorage("test");
  storage.writeAt(new Uint8Array(4096), 0);
  setFaults([{ call: "write", pathPrefix: tmpdir(), nth: 1, errno: "ENOSPC" }]);
  let thrown: unknown;
  try {
    storage.writeAt(new Uint8Array(1), 4096);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({
    code: "DISK_FULL",
    message: expect.stringMatching(/a temporary file in .*more than the 4096 bytes.* are free$/),
    hint: expect.stringContaining("TMPDIR"),
  });
  expect(explainFullDisk(thrown, { path: "/etc/hostname" })).toBe(thrown);
});
