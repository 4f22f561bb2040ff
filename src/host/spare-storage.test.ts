import { expect, test, vi } from "vitest";
import { spareStorage } from "./spare-storage.ts";

test("a disk with room gives a file, one that is short of it or memory none, none that is not there", () => {
  using storage = spareStorage("spare", 1 << 20);
  expect(storage?.sizeBytes).toBe(0);
  expect(spareStorage("spare", 2 ** 60)).toBeUndefined();
  for (const directory of ["/dev/shm", "/nonexistent"]) {
    vi.stubEnv("TMPDIR", directory);
    expect(spareStorage("spare", 1)).toBeUndefined();
  }
  vi.unstubAllEnvs();
});
