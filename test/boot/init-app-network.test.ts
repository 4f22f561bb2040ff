/** An application that is process 1 and sets its network up itself: when is it ready? */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

const SOURCE = fileURLToPath(new URL("../support/guest/own-network.c", import.meta.url));

let image: string;

beforeAll(async () => {
  const work = lastingDirectory();
  const [program, output] = [join(work, "app"), join(work, "app.cpio")];
  execFileSync("cc", ["-static", "-Os", SOURCE, "-o", program]);
  const { modules } = await testKernel();
  const wanted = /^(virtio|virtio_ring|virtio_pci\w*|failover|net_failover|virtio_net)$/;
  const added = modules
    .filter(({ name }) => wanted.test(name))
    .flatMap(({ bytes }, i) => {
      writeFileSync(join(work, `${i}.ko`), bytes);
      return ["--add", `${join(work, `${i}.ko`)}:/modules/${i}.ko`];
    });
  const words = ["--init", "app", "-e", "PAGE=served", ...added, `bin:${program}`, "-o", output];
  const built = await wick(["build", "-q", ...words]);
  expect(built.status, built.stderr).toBe(0);
  image = output;
});

test("it is ready when it listens, and not while QEMU alone accepts connections", async () => {
  const address = ["-e", "ADDRESS=10.0.2.15", "-e", "MASK=255.255.255.0"];
  const running = startWick(["run", "-p", "80", ...address, image]);
  let text = "";
  for (const stream of [running.child.stdout!, running.child.stderr!]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  }
  await running.shown("-> 80/tcp");
  expect(text.indexOf("listening now")).toBeGreaterThan(text.indexOf("the network is up"));
  expect(text.indexOf("-> 80/tcp")).toBeGreaterThan(text.indexOf("listening now"));
  expect(text).toContain(
    "unless the application itself loads the modules and sets the address 10.0.2.15/24",
  );
  const port = /:(\d+) -> 80\/tcp/.exec(text)![1]!;
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("served");
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
});
