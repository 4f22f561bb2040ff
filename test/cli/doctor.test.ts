/** `wick doctor`: what it says is so, and it changes nothing. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kvmVerdict } from "../../src/vmm/index.ts";
import { type CliOptions, wick } from "../support/cli.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Line {
  readonly check: string;
  readonly state: "ok" | "warn" | "missing";
  readonly found: string;
  readonly purpose: string;
  readonly hint?: string;
  readonly isNeeded: boolean;
}

async function doctor(options: CliOptions = {}) {
  const { status, stdout, stderr } = await wick(["doctor", "--json"], options);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const line = (check: string): Line => lines.find((one) => one.check === check)!;
  return { status, stderr, lines, line };
}

/** Programs that come before the host's own. */
function programs(scripts: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const directory = temporaryDirectory();
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return { PATH: `${directory}:${process.env["PATH"]}` };
}

test("where wick's tests can run so can wick run, and each line says what it is about", async () => {
  const { status, stderr, lines, line } = await doctor();
  expect([status, stderr]).toEqual([0, ""]);
  for (const one of lines) {
    expect(["ok", "warn", "missing"]).toContain(one.state);
    expect([one.found, one.purpose].filter((words) => words === "")).toEqual([]);
    if (one.state !== "ok") expect(one.hint, one.check).toBeDefined();
  }
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const says = execFileSync(`qemu-system-${arch}`, ["--version"], { encoding: "utf8" });
  expect(says).toContain(`version ${line(`qemu-system-${arch}`).found}`);
  const verdict = await kvmVerdict();
  expect(line("KVM")).toMatchObject({
    state: verdict.works ? "ok" : "missing",
    found: verdict.reason,
  });
});

test("the text has the same lines, and says at its end whether wick run can work", async () => {
  const { lines } = await doctor();
  const { stdout } = await wick(["doctor"]);
  const rows = stdout.split("\n").filter((row) => /^(ok|warn|missing) /.test(row));
  expect(rows.map((row) => row.split(/\s+/)[0])).toEqual(lines.map(({ state }) => state));
  expect(stdout).toMatch(/\nwick run can work here\n$/);
});

/** Names, sizes, modes and times of everything below a directory. */
function snapshot(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  return [".", ...names].map((name) => {
    const { mode, size, mtimeMs, ctimeMs } = statSync(join(directory, name));
    return `${name} ${mode} ${size} ${mtimeMs} ${ctimeMs}`;
  });
}

test("it changes nothing: not in the cache, the home, the temporary or the working directory", async () => {
  const directory = temporaryDirectory();
  for (const name of ["home", "tmp", "cwd", "cache", "run"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "cache/kvm.json"), "an earlier verdict");
  const at = (name: string): string => join(directory, name);
  const before = snapshot(directory);
  const env = {
    HOME: at("home"),
    TMPDIR: at("tmp"),
    WICK_CACHE: at("cache"),
    XDG_RUNTIME_DIR: at("run"),
    XDG_CACHE_HOME: undefined,
    XDG_STATE_HOME: undefined,
  };
  expect((await doctor({ env, cwd: at("cwd") })).status).toBe(0);
  expect(snapshot(directory)).toEqual(before);
  rmSync(at("cache"), { recursive: true });
  expect((await doctor({ env, cwd: at("cwd") })).status).toBe(0);
  expect(readdirSync(directory)).not.toContain("cache");
});

test("without a QEMU that works wick run cannot: status 1, and the last line names it", async () => {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const name = `qemu-system-${arch}`;
  const env = programs({ [name]: "echo nonsense; exit 0" });
  const { status, line } = await doctor({ env });
  expect(status).toBe(1);
  expect(line(name)).toMatchObject({ state: "missing", isNeeded: true });
  expect(line(name).found).toContain('it says "nonsense"');
  const { stdout } = await wick(["doctor"], { env });
  expect(stdout).toMatch(new RegExp(`\\nwick run cannot work here: ${name}\\n$`));
});

test("versions with known holes are warnings, mended ones are not", async () => {
  const bad = programs({
    firecracker: "echo 'Firecracker v1.15.0'; echo; echo 'Supported snapshot…'",
    jailer: "echo 'Jailer v1.14.0'",
    "cloud-hypervisor": "echo 'cloud-hypervisor v51.1.0'",
  });
  const { line } = await doctor({ env: bad });
  expect(line("firecracker")).toMatchObject({ state: "warn" });
  expect(line("firecracker").found).toContain("1.15.0 (CVE-2026-5747");
  expect(line("jailer")).toMatchObject({ state: "warn" });
  expect(line("jailer").found).toContain("CVE-2026-1386");
  expect(line("cloud-hypervisor").found).toContain("CVE-2026-45782");
  const directory = temporaryDirectory();
  const named = join(directory, "fc");
  writeFileSync(named, "#!/bin/sh\necho 'Firecracker v1.16.1'\n", { mode: 0o755 });
  const jailer = join(directory, "jail");
  writeFileSync(jailer, "#!/bin/sh\necho 'Jailer v1.16.1'\n", { mode: 0o755 });
  const env = { ...bad, WICK_FIRECRACKER: named, WICK_JAILER: jailer };
  const good = await doctor({ env });
  expect(good.line("firecracker")).toMatchObject({ state: "ok", found: "1.16.1" });
  expect(good.line("jailer")).toMatchObject({ state: "ok", found: "1.16.1" });
  const old = await doctor({ env: programs({ firecracker: "echo 'Firecracker v1.6.0'" }) });
  expect(old.line("firecracker")).toMatchObject({ state: "missing" });
  expect(old.line("firecracker").found).toContain("1.6.0, wanted 1.7 or newer");
  const plain = await doctor({ env: programs({ firecracker: "echo 'Firecracker v1.7.0'" }) });
  expect(plain.line("firecracker")).toMatchObject({ state: "warn", found: "1.7.0" });
  expect(plain.line("firecracker").hint).toContain("no ACPI tables");
});

test("a kernel of the user's own counts in the place of those in the cache", async () => {
  const own = process.execPath;
  const { line } = await doctor({ env: { WICK_KERNEL: own } });
  expect(line("kernels in the cache")).toMatchObject({ state: "ok" });
  expect(line("kernels in the cache").found).toContain(own);
  const missing = await doctor({ env: { WICK_KERNEL: "/nonexistent/vmlinux" } });
  expect(missing.status).toBe(1);
  expect(missing.line("kernels in the cache").state).toBe("missing");
});

test("a file where the cache should be is no cache", async () => {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  for (const cache of [file, join(file, "below")]) {
    const { status, line } = await doctor({ env: { WICK_CACHE: cache } });
    expect([status, line("cache").state]).toEqual([1, "missing"]);
    expect(line("cache").found).toMatch(/^\S+: (\S+ is no directory|this user may not write it)$/);
  }
});

test("a program that cannot be run, or fails, is missing with the reason", async () => {
  const failing = await doctor({ env: programs({ firecracker: "exit 7" }) });
  expect(failing.line("firecracker")).toMatchObject({ state: "missing" });
  expect(failing.line("firecracker").found).toContain("status 7");
  const env = { WICK_FIRECRACKER: "/nonexistent/firecracker" };
  expect((await doctor({ env })).line("firecracker")).toMatchObject({
    state: "missing",
    found: "there is no /nonexistent/firecracker",
  });
});

test("without a place for the cache the list comes all the same", async () => {
  const env = { WICK_CACHE: undefined, HOME: undefined, XDG_CACHE_HOME: undefined };
  const { status, line } = await doctor({ env });
  expect([status, line("cache").state, line("KVM").check]).toEqual([1, "missing", "KVM"]);
  expect(line("cache").found).toContain("neither XDG_CACHE_HOME nor HOME");
});

test.skipIf(process.getuid?.() !== 0)(
  "an ordinary user is told what is closed to him",
  async () => {
    const user = ordinaryUser();
    try {
      const { line, status } = await doctor({ ...user, cwd: user.home });
      expect(status).toBe(0);
      expect(line("TAP").state).not.toBe("ok"); // he has no CAP_NET_ADMIN
      const mode = statSync("/dev/kvm", { throwIfNoEntry: false })?.mode ?? 0o666;
      if ((mode & 0o6) === 0) {
        expect(line("KVM")).toMatchObject({
          state: "missing",
          found: "this user may not open /dev/kvm (EACCES)",
          hint: "add the user to the group kvm and log in again",
        });
      }
      const closed = join(temporaryDirectory(), "closed");
      mkdirSync(closed);
      chmodSync(closed, 0o755);
      const env = { ...user.env, WICK_CACHE: join(closed, "cache") };
      const without = await doctor({ ...user, cwd: user.home, env });
      expect(without.status).toBe(1);
      expect(without.line("cache")).toMatchObject({ state: "missing", isNeeded: true });
      expect(without.line("cache").hint).toContain("WICK_CACHE");
    } finally {
      user.remove();
    }
  },
);
