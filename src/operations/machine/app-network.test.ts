import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { testKernel } from "../../../test/support/kernel-packages.ts";
import { lastingDirectory } from "../../../test/support/temporary-directory.ts";
import type { RunPlan } from "../../config/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Parts } from "./machine-spec.ts";
import { appNetworkWords } from "./app-network.ts";

const PORT = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 0, guestPort: 80 } as const;
const PLAN = { network: "user", append: "", ports: [PORT], vmm: "qemu" } as unknown as RunPlan;
const NETWORK = ["VIRTIO_NET=y", "VIRTIO_PCI=y"];

let directory: string;
let kernel: Kernel;

beforeAll(async () => {
  directory = lastingDirectory();
  const path = join(directory, "vmlinuz");
  const found = await testKernel();
  copyFileSync(found.path, path);
  kernel = { ...found, path };
});

/** The words for a kernel whose configuration says that, and what was warned of. */
async function wordsFor(options: readonly string[], more: Partial<Parts> = {}) {
  const lines = options.map((option) => `CONFIG_${option}\n`);
  writeFileSync(join(directory, `config-${kernel.release}`), lines.join(""));
  const warnings: string[] = [];
  const words = await appNetworkWords(
    { plan: PLAN, tap: undefined, kernel, ...more },
    {
      environment: {},
      workingDirectory: directory,
      onEvent: (event) => void ("message" in event && warnings.push(event.message)),
    },
  );
  return { words, warnings };
}

test("a kernel that can sets the address itself, unless the user says ip=", async () => {
  const able = [...NETWORK, "IP_PNP=y"];
  const user = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";
  expect(await wordsFor(able)).toEqual({ words: [user], warnings: [] });
  const tap = { guest: "10.9.8.2", host: "10.9.8.1", prefix: 30 } as Parts["tap"];
  const onTap = "ip=10.9.8.2::10.9.8.1:255.255.255.252::eth0:off";
  expect((await wordsFor(able, { tap })).words).toEqual([onTap]);
  const plan = { ...PLAN, append: "quiet ip=off" };
  expect(await wordsFor(able, { plan })).toEqual({ words: [], warnings: [] });
});

test("of one that cannot it is said what the application would have to do, where ports are published", async () => {
  const { words, warnings } = await wordsFor(NETWORK);
  expect(words).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(/itself sets the address 10\.0\.2\.15\/24 of eth0: .* no IP_PNP/),
  ]);
  const asModule = await wordsFor(["VIRTIO_NET=m", "VIRTIO_PCI=m", "IP_PNP=y"]);
  expect(asModule.words).toEqual([]);
  expect(asModule.warnings[0]).toContain("loads the modules and sets the address");
  expect((await wordsFor(NETWORK, { plan: { ...PLAN, ports: [] } })).warnings).toEqual([]);
});
