import { expect, test } from "vitest";
import { wick } from "../support/cli.ts";

/** Free memory of the guest, in KiB. */
const FREE = `busybox awk '/^MemAvailable/{print $2}' /proc/meminfo`;

/** Waits for the balloon, says what is left, then fills more than that, which the guest gets back. */
const APPLICATION = [
  `for i in $(seq 100); do [ $(${FREE}) -lt 40000 ] && break; sleep 0.1; done`,
  `echo left $(${FREE})`,
  "head -c 45m /dev/zero > /t/filled; ls -l /t/filled",
].join("; ");

test("--memory-reservation: the host has the rest of the memory until the guest needs it", async () => {
  const memory = ["-m", "256m", "--memory-reservation", "96m", "--tmpfs", "/t:size=200m"];
  const application = ["--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  const words = ["run", "-q", ...memory, ...application, "sh", "-c", APPLICATION];
  const { status, stdout, stderr } = await wick(words);
  expect(status, stderr).toBe(0);
  const [, left, filled] = /^left (\d+)\n.* (\d+) \w+ +\d+ .*filled\n$/su.exec(stdout) ?? [];
  expect(Number(left), stdout).toBeGreaterThan(10_000);
  expect(Number(left), stdout).toBeLessThan(40_000);
  expect(Number(filled), stdout).toBe(45 << 20);
});
