import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { ordinaryUser, type OrdinaryUser } from "../support/ordinary-user.ts";

/** Only root can become somebody else; for an ordinary user all other tests are this one. */
const isRoot = process.getuid?.() === 0;
let user: OrdinaryUser;

beforeAll(() => {
  if (isRoot) user = ordinaryUser();
});
afterAll(() => user?.remove());

test.skipIf(!isRoot)(
  "an ordinary user with an empty cache builds nginx from packages and serves its page",
  async () => {
    const image = join(user.home, "my image.ext4");
    const as = { ...user, cwd: user.home };
    const built = await wick(["build", "deb:nginx-light", "-o", "my image.ext4"], as);
    expect(built.status, built.stderr).toBe(0);
    expect(statSync(image).uid).toBe(65534);
    const running = startWick(["run", "--accel", "auto", "-p", "80", "./my image.ext4"], as);
    await running.shown("-> 80/tcp");
    const port = Number(/:(\d+) -> 80/.exec(running.text())![1]);
    expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("nginx");
    running.child.kill("SIGTERM");
    expect((await running.done).status).toBe(143);
    // A reason of his own, and no other way in, where only others may open /dev/kvm.
    const isClosed = ((statSync("/dev/kvm", { throwIfNoEntry: false })?.mode ?? 0o666) & 0o6) === 0;
    const reason = "without KVM: this user may not open /dev/kvm (EACCES)";
    expect(running.text().includes(reason), running.text()).toBe(isClosed);
  },
);

test.skipIf(!isRoot)(
  "he may not have a machine jailed, and is told before anything is made",
  async () => {
    const program = join(user.home, "firecracker");
    writeFileSync(program, "#!/bin/sh\necho Firecracker v1.16.1\n", { mode: 0o755 });
    const words = ["run", "--vmm", "firecracker", "--jailer", "20001:20001", "bin:/bin/true"];
    const env = { ...user.env, WICK_FIRECRACKER: program, WICK_JAILER: program };
    const { status, stderr } = await wick(words, { ...user, env, cwd: user.home });
    expect(status).toBe(125);
    expect(stderr).toContain("the jailer must be started as root [PERMISSION]");
  },
);

test.skipIf(!isRoot)("he builds one file of a kernel and an application, and runs it", async () => {
  const as = { ...user, cwd: user.home };
  const words = ["--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  const packed = await wick(["build", ...words, "-o", "app.vmlinux"], as);
  expect(packed.status, packed.stderr).toBe(0);
  const result = await wick(["run", "app.vmlinux", "sh", "-c", "exit 3"], as);
  expect([result.status, result.stderr]).toEqual([3, expect.anything()]);
});

test.skipIf(!isRoot)("what is kept of an ordinary user's work is private to him", () => {
  const cache = join(user.home, ".cache", "wick");
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  expect(modeOf(cache)).toBe(0o700);
  const kept = readdirSync(cache).toSorted();
  expect(kept).toEqual(expect.arrayContaining(["apt", "debs", "images", "kernels"]));
  expect(modeOf(join(cache, "images"))).toBe(0o700);
});
