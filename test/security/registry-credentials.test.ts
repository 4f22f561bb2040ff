import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostileRegistry } from "../support/registry/hostile.ts";
import { memoryImage } from "../support/registry/image.ts";
import { listen } from "../support/registry/listener.ts";
import { pullAll } from "../support/registry/pulling.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SECRET = "s3cret:with-a-colon";

/** A home in which Docker keeps a password for `hosts`. */
function homeWith(directory: string, hosts: readonly string[]): void {
  const auth = Buffer.from(`user:${SECRET}`).toString("base64");
  const path = join(directory, "home/.docker");
  mkdirSync(path, { recursive: true });
  const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]));
  writeFileSync(join(path, "config.json"), JSON.stringify({ auths }));
}

test("an image is pulled, digested and found again without asking", async () => {
  const directory = temporaryDirectory();
  const image = memoryImage({ layerBytes: [1000, 100_000, 3000] });
  const registry = await hostileRegistry(image);
  const first = await pullAll(`${registry.host}/app`, { directory });
  expect(first.image.manifestDigest).toBe(image.manifest.digest);
  expect(first.paths).toHaveLength(3);
  await registry.close();
  const again = await pullAll(`${registry.host}/app`, { directory });
  expect(again.paths).toEqual(first.paths);
});
