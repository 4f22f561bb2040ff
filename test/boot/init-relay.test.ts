import { beforeAll, expect, test } from "vitest";
import type { InitRecords } from "../../src/guest/index.ts";
import { bootParts, rootArchive, type BootParts } from "../support/boot-parts.ts";
import { startInitramfs } from "../support/booted-machine.ts";

/** Init's side of the relay where the host's is not there; both together: relay.test.ts. */
const records: InitRecords = {
  env: ["PATH=/bin"],
  addresses: [
    { interface: "lo", address: "127.0.0.1/8" },
    { interface: "lo", address: "10.0.2.15/32" },
  ],
  relay: "10.0.2.15",
};

let boot: BootParts;
let root: Buffer;
beforeAll(async () => {
  boot = await bootParts();
  const passwd = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
  root = rootArchive(boot, records, { "etc/passwd": passwd });
});

test("a machine without a card has its address on lo, and says that no relay can be", async () => {
  const script = "ip addr show lo; cat /etc/hosts";
  const machine = await startInitramfs(boot, root, { argv: ["sh", "-c", script] });
  const result = await machine.end();
  expect(result.console).toMatch(/inet 127\.0\.0\.1\/8 .*\n[^]*inet 10\.0\.2\.15\/32 /);
  expect(result.console).toContain("10.0.2.15\twick\n");
  const warnings = result.reports.filter(({ kind }) => kind === "warning");
  expect(warnings).toEqual([
    expect.objectContaining({ step: "relay", text: expect.stringContaining("do not answer") }),
  ]);
  expect(result.final).toEqual({ kind: "exited", status: 0 });
});

test("the relay's port is open to root alone, has its one opener, and holds up no end", async () => {
  const script = `for port in /dev/vport*; do cat $port; done; grep -l wick-relay /proc/*/comm; exit 3`;
  const machine = await startInitramfs(
    boot,
    root,
    { argv: ["sh", "-c", `busybox su -s /bin/sh nobody -c "cat /dev/vport*"; ${script}`] },
    { relay: true },
  );
  const result = await machine.end();
  expect(result.console.match(/can't open '\/dev\/vport\w+': Permission denied/g)).toHaveLength(2);
  expect(
    result.console.match(/can't open '\/dev\/vport\w+': (Device or r|R)esource busy/g),
  ).toHaveLength(2);
  expect(result.console).toMatch(/\/proc\/\d+\/comm/);
  expect(result.final).toEqual({ kind: "exited", status: 3 });
  const marks = result.reports.flatMap((report) => (report.kind === "mark" ? [report] : []));
  expect(marks.at(-1)!.name).toBe("ended");
});
