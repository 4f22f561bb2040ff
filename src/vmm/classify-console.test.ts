import { expect, test } from "vitest";
import { classifyConsole, endOfInit } from "./classify-console.ts";

test("how process 1 ended is in the kernel's last words about it", () => {
  const line = (word: string) => `[    1.0] Attempted to kill init! exitcode=0x${word}`;
  expect(endOfInit([line("00000100"), "x", line("00000700")])).toEqual({
    kind: "exited",
    status: 7,
  });
  expect(endOfInit([line("0000008b"), "CPU: 0"])).toEqual({ kind: "signalled", signal: 11 });
  expect(endOfInit(["Kernel panic - not syncing: VFS"])).toBeUndefined();
});

test.each([
  [
    ["[    1.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000700"],
    "GUEST_PANIC",
    "the guest's first process ended with status 7",
  ],
  [
    ["Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b"],
    "GUEST_PANIC",
    "the guest's first process was killed by signal 11",
  ],
  [
    ["[    0.5] Initramfs unpacking failed: write error", "Kernel panic - not syncing: No init"],
    "GUEST_PANIC",
    "could not unpack its initramfs: write error",
  ],
  [
    ["Failed to execute /init (error -8)", "Kernel panic - not syncing: No working init found."],
    "GUEST_PANIC",
    "could not execute /init (error -8)",
  ],
  [
    ["Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"],
    "GUEST_PANIC",
    "found no root file system: VFS: Unable to mount root fs on unknown-block(0,0)",
  ],
  [
    ["Kernel panic - not syncing: System is deadlocked on memory"],
    "GUEST_PANIC",
    "the guest's kernel ran out of memory",
  ],
  [["Kernel panic - not syncing: Fatal exception"], "GUEST_PANIC", "panicked: Fatal exception"],
  [
    ["Out of memory: Killed process 61 (nginx) total-vm:1kB, anon-rss:1kB", "reboot: Power down"],
    "GUEST_LOST",
    'its kernel killed "nginx"',
  ],
  [["[    2.0] reboot: System halted"], "GUEST_LOST", "halted without powering off"],
])("the console's %j is %s", (lines, code, words) => {
  const error = classifyConsole(["[    0.0] Linux version 6.1", ...lines]);
  expect(error?.code).toBe(code);
  expect(error?.message).toContain(words);
  expect(error?.detail).toContain(lines[0]);
});

test("a console that ends in a plain power-off explains nothing", () => {
  expect(classifyConsole(["INIT", "[    1.8] reboot: Power down"])).toBeUndefined();
  expect(classifyConsole([])).toBeUndefined();
});
