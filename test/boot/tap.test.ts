import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWick, type StartedCli, wick } from "../support/cli.ts";
import { noNetwork, OwnNetwork } from "../support/network.ts";
import { ownCache } from "../support/own-cache.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

const reason = noNetwork();
const inNetwork = test.skipIf(reason !== undefined);
const noted = reason === undefined ? "" : ` (skipped: ${reason})`;

let network: OwnNetwork;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  if (reason !== undefined) return;
  network = await OwnNetwork.make();
  directory = lastingDirectory();
  env = { WICK_CACHE: ownCache(directory) };
});
afterAll(() => network?.[Symbol.asyncDispose]());

/** As root without CAP_NET_ADMIN: what an ordinary user has. */
const unprivileged = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];

/** busybox serves this; what it knows of its network comes with it. */
const SCRIPT = [
  "mkdir /www && cd /www",
  "{ ip -4 addr show eth0; ip route; echo 'it is served'; } >index.html",
  '[ -z "$OUTSIDE" ] || nc -w 20 $OUTSIDE </dev/null >>index.html 2>&1',
  "httpd -f -p 80",
].join("; ");
const APPLICATION = ["deb:busybox-static", "/bin/busybox", "sh", "-c", SCRIPT];

function start(words: readonly string[], before: readonly string[] = []): StartedCli {
  const options = { prefix: [...network.prefix, ...before], env };
  return startWick(["run", "--network", ...words], options);
}

async function failure(words: readonly string[], before?: readonly string[]): Promise<string> {
  const { status, stderr } = await start(words, before).done;
  expect(status).toBe(125);
  return stderr;
}

/** By the published port, as a program in that network sees it. */
async function page(running: StartedCli): Promise<string> {
  await running.shown("-> 80/tcp");
  const port = /:(\d+) -> 80\/tcp/.exec(running.text())![1];
  const script = `fetch("http://127.0.0.1:${port}/").then(async (a) => console.log(await a.text()))`;
  return network.run(process.execPath, "-e", script);
}

/** What docs/run.md has the user type so that machines get further than the host. */
function linesThatLetOut(): string[] {
  const text = readFileSync(new URL("../../docs/run.md", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => /^sudo (sysctl|nft) /.test(line));
  expect(lines).toHaveLength(2);
  return lines.map((line) => line.replace("sudo ", ""));
}

/** Answers with the address from which it is asked; says so when it listens. */
const ECHO = `
  const { createServer } = require("node:net");
  createServer((socket) => socket.end("asked from " + socket.remoteAddress + "\\n"))
    .listen(80, "203.0.113.1", () => console.log("listening"));
`;

function tapIn(text: string): string {
  return /on (wick-[0-9a-f]{8}), this host/.exec(text)![1]!;
}

inNetwork(
  `a TAP of a killed wick goes with the next command, strangers' stay, and a page is served${noted}`,
  async () => {
    // Made by others: under such a name, and with a route that leads nowhere any more.
    network.ip("tuntap", "add", "dev", "wick-00000000", "mode", "tap");
    network.ip("link", "set", "dev", "wick-00000000", "alias", "somebody's");
    network.ip("route", "add", "unreachable", "172.30.252.0/30");
    const others = network.devices();
    const killed = start(["tap", "-p", "80", ...APPLICATION]);
    await killed.shown("the machine has 172.30.252.6");
    const left = tapIn(killed.text());
    killed.child.kill("SIGKILL");
    await killed.done;
    expect(network.devices()).toEqual([...others, left]);
    // Elsewhere it does not exist; the claim waits for a command in its own network.
    await wick(["build", "-o", join(directory, "a.ext4"), "dir:/var/empty"], { env });
    expect(network.devices()).toContain(left);

    // Beyond this host, where nobody knows a way to the machine.
    await using outside = await OwnNetwork.make();
    network.connect(outside, ["203.0.113.2/24", "203.0.113.1/24"]);
    await outside.start(process.execPath, "-e", ECHO);
    for (const line of linesThatLetOut()) network.run("sh", "-ec", line);
    const out = ["-e", "OUTSIDE=203.0.113.1 80"];
    const running = start(["tap", "-p", "80", ...out, ...APPLICATION]);
    const text = await page(running);
    expect(text).toContain("asked from 203.0.113.2");
    const tap = tapIn(running.text());
    expect(network.devices()).toEqual([...others, "peer0", tap]);
    expect(text).toContain("inet 172.30.252.6/30");
    expect(text).toContain("default via 172.30.252.5 dev eth0");
    expect(text).toContain("it is served");
    running.child.kill("SIGINT");
    expect((await running.done).status).toBe(130);
    expect(network.devices()).toEqual([...others, "peer0"]);
    network.ip("link", "del", "peer0");
    network.run("nft", "delete", "table", "ip", "wick");
    expect(readdirSync(join(env["WICK_CACHE"]!, "tmp"))).toEqual([]);
    network.ip("route", "del", "unreachable", "172.30.252.0/30");
  },
  120_000,
);

inNetwork(`a TAP of the user's own takes no privilege, and stays as it was${noted}`, async () => {
  network.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "user", "0");
  network.ip("addr", "add", "10.9.8.1/24", "dev", "tap0");
  expect(await failure(["tap=tap0", "bin:/bin/true"])).toContain("tap0 is down [USAGE]");
  network.ip("link", "set", "tap0", "up");
  const running = start(["tap=tap0", "--json", "-p", "80", ...APPLICATION], unprivileged);
  expect(await page(running)).toContain("inet 10.9.8.2/24");
  // One machine a TAP.
  const busy = await failure(["tap=tap0", "bin:/bin/true"]);
  expect(busy).toContain("another program is attached to tap0 [IN_USE]");
  running.child.kill("SIGINT");
  const { tap } = JSON.parse((await running.done).stdout) as { tap: unknown };
  expect(tap).toEqual({ device: "tap0", host: "10.9.8.1", guest: "10.9.8.2", prefix: 24 });
  expect(network.ip("addr", "show", "tap0")).toContain("inet 10.9.8.1/24");
  network.ip("link", "del", "tap0");
});

/** Several at once, in one process; which has what, and what is left when all are disposed. */
const MANY = `
  import { openStore } from "${new URL("../../dist/store/index.js", import.meta.url).href}";
  import { makeTap } from "${new URL("../../dist/operations/tap/own.js", import.meta.url).href}";
  const store = openStore({ directory: process.argv[1] });
  const taps = await Promise.all(Array.from({ length: 4 }, () => makeTap({ store, uid: 0 })));
  console.log(taps.map(({ name, addresses }) => name + " " + addresses.guest).join("\\n"));
  for (const tap of taps) tap[Symbol.dispose]();
`;

inNetwork(`TAPs that are made at the same time have subnets of their own${noted}`, () => {
  const before = network.devices();
  const words = ["--input-type=module", "-e", MANY, env["WICK_CACHE"]!];
  const lines = network
    .run(process.execPath, ...words)
    .trim()
    .split("\n");
  const [names, guests] = [0, 1].map((at) => new Set(lines.map((line) => line.split(" ")[at])));
  expect([names!.size, guests!.size]).toEqual([4, 4]);
  expect(network.devices()).toEqual(before);
});

inNetwork(
  `without the right to make a TAP there is one error, with what works; and none is left by one${noted}`,
  async () => {
    const before = network.devices();
    const refused = await failure(["tap", "deb:busybox-static"], unprivileged);
    expect(refused).toMatch(
      /^error: Cannot give the machine a TAP: .*CAP_NET_ADMIN.* \[PERMISSION\]/,
    );
    expect(refused).toContain("ip tuntap add dev tap0");
    expect(await failure(["tap=nowhere", "bin:/bin/true"])).toContain("no device nowhere");
    expect(await failure(["tap=lo", "bin:/bin/true"])).toContain("lo is no TAP");
    // Which is seen only once the TAP is there.
    const late = await failure(["tap", "--append", "\u0001", ...APPLICATION]);
    expect(late).toContain("control characters");
    expect(network.devices()).toEqual(before);
  },
);
