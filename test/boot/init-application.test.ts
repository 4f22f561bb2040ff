import { beforeAll, expect, test } from "vitest";
import type { InitRecords } from "../../src/guest/index.ts";
import { bootParts, rootArchive, type BootParts } from "../support/boot-parts.ts";
import { freePort, startInitramfs, type BootSpec } from "../support/booted-machine.ts";

let boot: BootParts;
let root: Buffer;

beforeAll(async () => {
  boot = await bootParts();
  const image: InitRecords = {
    argv: ["/bin/sh", "-c", "exit 0"],
    env: ["PATH=/bin", "FROM=image"],
    groups: [4, 5],
    hostname: "from-image",
  };
  root = rootArchive(boot, image, {
    "etc/hosts": "",
    "etc/resolv.conf": "nameserver 192.0.2.1\n",
    "www/index.html": "the page\n",
  });
});

const start = (records: InitRecords, spec: Partial<BootSpec> = {}) =>
  startInitramfs(boot, root, records, spec);

/** Runs a script as the application; lines `name=value` of its output by name. */
async function facts(script: string, records: InitRecords, spec: Partial<BootSpec> = {}) {
  const machine = await start({ argv: ["sh", "-c", script], ...records }, spec);
  const result = await machine.end();
  const lines = [...result.console.matchAll(/^([a-z_]+)=(.*?)\r?$/gmu)];
  return { result, said: Object.fromEntries(lines.map(([, name, value]) => [name, value])) };
}

test("user, groups, directory, environment and arguments are exactly those of the records", async () => {
  const script = [
    'echo "ids=$(id -u):$(id -g):$(id -G)"',
    'echo "cwd=$(pwd) $(stat -c %a:%u:%g .)"',
    'echo "environment=$(cat /proc/$$/environ | tr "\\000" " ")"',
    'echo "arguments=$0|$1|$2"',
    'echo "umask=$(umask) $(ulimit -n) $(ulimit -Hn)"',
    'echo "stdin=$(readlink /proc/self/fd/0)"',
    'echo "descriptors=$(ls /proc/$$/fd | tr "\\n" " ")"',
    'read -r _ _ _ _ pgrp session _ < /proc/$$/stat; echo "session=$(( pgrp == $$ && session == $$ ))"',
    'echo "oom=$(cat /proc/self/oom_score_adj) $(cat /proc/1/oom_score_adj 2>/dev/null)"',
    'echo "blocked=$(grep SigBlk /proc/self/status | tr -d "\\t")"',
    'echo "hidden=$(cat /.wick/init.rec 2>&1 | head -c 100)"',
    'echo "channel=$(cat /dev/vport*p1 2>&1 | head -c 100)"',
  ].join("; ");
  const { said } = await facts("", {
    argv: ["sh", "-c", script, "zero", "", "two words"],
    env: ["PATH=/bin", "A=1", "EMPTY="],
    uid: 1234,
    gid: 567,
    groups: [7, 8],
    directory: "/srv/made/here",
    limits: [{ resource: "nofile", soft: 300, hard: 4000 }],
  });
  expect(said).toMatchObject({
    ids: "1234:567:567 7 8",
    cwd: "/srv/made/here 755:1234:567",
    arguments: "zero||two words",
    umask: "0022 300 4000",
    stdin: "/dev/null",
    session: "1",
    blocked: "SigBlk:0000000000000000",
    hidden: "cat: can't open '/.wick/init.rec': Permission denied",
    channel: expect.stringMatching(/vport\d+p1': Permission denied/u),
  });
  expect(said["oom"]).toMatch(/^0/u);
  expect(said["environment"]).toBe("PATH=/bin A=1 EMPTY= ");
});

test("an empty list in run.rec takes the image's away; an absent key keeps it", async () => {
  const script = [
    'echo "groups=$(id -G)"',
    'echo "from=$FROM"',
    'echo "name=$(cat /proc/sys/kernel/hostname)"',
    'echo "writes=$( (echo > /x) 2>/dev/null && echo pass || echo fail)"',
  ].join("; ");
  const kept = await facts(script, {});
  expect(kept.said).toEqual({ groups: "0 4 5", from: "image", name: "from-image", writes: "pass" });
  const emptied = await facts(script, { groups: [], hostname: "from-run", readOnly: true });
  expect(emptied.said).toEqual({ groups: "0", from: "image", name: "from-run", writes: "fail" });
});

test("/dev/stdout and /dev/stderr open again by path for an ordinary user", async () => {
  const script = "echo one > /dev/stdout; echo two > /dev/stderr; echo three >> /proc/self/fd/1";
  const { result } = await facts(script, { uid: 65534, gid: 65534, groups: [] });
  expect(result.console).toMatch(/one\n[^]*three\n/u);
  expect(result.console).toContain("two\n"); // another pipe: its order to the first is not kept
  expect(result.final).toEqual({ kind: "exited", status: 0 });
});

test("the machine around the application is Docker's: mounts, links, sysctls, names", async () => {
  const script = [
    'echo "mounts=$(cut -d" " -f2,3 /proc/mounts | tr "\\n" ,)"',
    'echo "shm=$(stat -c %a /dev/shm) $(df -m /dev/shm | tail -1 | awk "{print \\$2}")"',
    'echo "links=$(readlink /dev/fd) $(readlink /dev/stdout)"',
    'echo "sysctls=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) $(cat /proc/sys/net/ipv4/ping_group_range | tr "\\t" " ")"',
    'echo "resolver=$(cat /etc/resolv.conf)"',
    'echo "hosts=$(cat /etc/hosts | tr "\\n\\t" ", ")"',
    'echo "tmp=$(stat -c %a /tmp) $(stat -c %a /run)"',
    'echo "loopback=$(ifconfig lo | grep -c "inet addr:127.0.0.1")"',
    'echo "pts=$(stat -c %a /dev/pts/ptmx)"',
    'echo "channel=$(cat /dev/vport*p1 2>&1 | head -c 100)"', // as root
  ].join("; ");
  const { said } = await facts(
    script,
    {
      addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
      gateway: "10.0.2.2",
      nameservers: ["10.0.2.3"],
      hosts: ["10.0.2.2 host.internal"],
    },
    { network: true },
  );
  const mounts = ["/dev devtmpfs", "/proc proc", "/sys sysfs", "/dev/pts devpts", "/dev/shm tmpfs"];
  for (const mount of [...mounts, "/sys/fs/cgroup cgroup2", "/run tmpfs"]) {
    expect(said["mounts"]!.split(",")).toContain(mount);
  }
  expect(said).toMatchObject({
    shm: "1777 64",
    links: "/proc/self/fd /proc/self/fd/1",
    sysctls: "0 0 2147483647",
    resolver: "nameserver 192.0.2.1",
    hosts:
      "127.0.0.1 localhost,::1 localhost ip6-localhost ip6-loopback,10.0.2.15 from-image,10.0.2.2 host.internal,",
    tmp: "755 755",
    loopback: "1",
    pts: "666",
    channel: expect.stringMatching(/vport\d+p1': Device or resource busy/u),
  });
});

test("orphans are reaped while the application runs, and nothing outlives it", async () => {
  const script = [
    "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 &) ; done; sleep 0.6",
    'echo "zombies=$(grep -l "State:.Z" /proc/[0-9]*/status | wc -l)"',
    "(trap '' TERM HUP; while :; do sleep 1; done) & exit 5",
  ].join("; ");
  const { said, result } = await facts(script, {});
  expect(said["zombies"]).toBe("0");
  expect(result.final).toEqual({ kind: "exited", status: 5 });
});

test("the application's output reaches the console whole, to the last byte before its end", async () => {
  const script =
    'i=0; while [ $i -lt 4000 ]; do echo "line $i of the output, to be counted"; i=$((i+1)); done; printf end';
  const { result } = await facts(script, {});
  const lines = result.console.split("\n").filter((line) => line.includes("of the output"));
  expect(lines.map((line) => Number(/line (\d+)/u.exec(line)?.[1]))).toEqual(
    Array.from({ length: 4000 }, (_, i) => i),
  );
  expect(result.console.endsWith("\nend")).toBe(true);
});

test("an application on the network is reported when it listens, and answers", async () => {
  const host = await freePort();
  const machine = await start(
    {
      argv: ["busybox", "httpd", "-f", "-p", "80", "-h", "/www"],
      uid: 1000,
      gid: 1000,
      groups: [],
      addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
      gateway: "10.0.2.2",
      ports: [80],
    },
    { port: { host, guest: 80 } },
  );
  const report = await machine.until("listening");
  expect(report).toMatchObject({ port: 80 });
  const answer = await fetch(`http://127.0.0.1:${host}/index.html`);
  expect(await answer.text()).toBe("the page\n");
  machine.send({ kind: "stop", signal: 0, graceMs: 5000 });
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "signalled", signal: 15, oom: false });
  expect(result.reports.filter((r) => r.kind === "warning")).toEqual([]);
});

test("a port that listens on the loopback address alone is a warning, not ready", async () => {
  const script = "httpd -p 127.0.0.1:8080; sleep 0.7";
  const { result } = await facts(script, { ports: [8080] });
  expect(result.reports.map((r) => r.kind)).not.toContain("listening");
  expect(result.reports).toContainEqual({
    kind: "warning",
    errno: 0,
    step: "ports",
    text: "port 8080 listens on the loopback address alone: nothing outside reaches it",
  });
});

test("a card that is not there is a warning, and the application runs", async () => {
  const { result } = await facts("exit 0", {
    addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
  });
  expect(result.reports).toContainEqual(
    expect.objectContaining({ kind: "warning", step: "network", text: "eth0" }),
  );
  expect(result.final).toEqual({ kind: "exited", status: 0 });
});

test("a mount that cannot be made ends the machine before the application starts", async () => {
  const mounts = [{ source: "none", target: "/data", fstype: "nofs", flags: 0, data: "" }];
  const { result } = await facts("echo ran", { mounts });
  expect(result.final).toEqual({ kind: "setup-failed", errno: 19, step: "mount", text: "/data" });
  expect(result.console).not.toContain("ran\n");
});
