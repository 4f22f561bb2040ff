import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../src/index.ts";
import { wick } from "../support/cli.ts";
import { ownCache } from "../support/own-cache.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SECRET = "correct horse battery staple";

test("P9: a secret of -e reaches the application alone: no command line, event, name or image has it", async () => {
  const directory = temporaryDirectory();
  const cache = ownCache(directory);
  const image = join(directory, "busybox.ext4");
  const built = await wick(["build", "-q", "-o", image, "deb:busybox-static"], {
    env: { WICK_CACHE: cache },
  });
  expect(built.status, built.stderr).toBe(0);
  const events: unknown[] = [];
  const line = 'echo "${#TOKEN} characters"; cat /proc/cmdline /proc/1/cmdline; sleep 3';
  await using machine = await run(
    { source: image, env: ["TOKEN"], entrypoint: "/usr/bin/busybox", command: ["sh", "-c", line] },
    {
      environment: { ...process.env, WICK_CACHE: cache, TOKEN: SECRET },
      workingDirectory: directory,
      onEvent: (event) => events.push(event),
    },
  );
  await machine.ready;
  const commandLines = execFileSync("ps", ["-ww", "-eo", "args"], { encoding: "utf8" });
  expect(commandLines).toContain(machine.spec.initrd);
  expect(commandLines).not.toContain(SECRET);
  let said = "";
  for await (const chunk of machine.console()) said += Buffer.from(chunk).toString("latin1");
  const exit = await machine.exited;
  expect(said).toContain(`${SECRET.length} characters`);
  const told = JSON.stringify([
    events,
    exit,
    machine.ports,
    machine.timeline(),
    machine.spec,
    machine.commandByHand,
    said,
  ]);
  expect(told).not.toContain(SECRET);
  expect(readFileSync(image).includes(SECRET)).toBe(false);
  // What carried it went with the machine.
  expect(existsSync(machine.spec.initrd!)).toBe(false);
});
