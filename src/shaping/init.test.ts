import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig, type ResolvedProcess } from "../application/index.ts";
import { utf8 } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { MemorySink, Tree } from "../tree/index.ts";
import { listing, text } from "../../test/support/trees.ts";
import { addFile, addSymlink, ensureDirectory, readFile } from "./files.ts";
import { installInit, type InitRequest } from "./install-init.ts";
import { quote, quoteAll } from "./shell.ts";

const program: ResolvedProcess = {
  argv: ["nginx", "-g", "daemon off;"],
  env: ["PATH=/usr/sbin:/usr/bin", "HOSTNAME=wick", "HOME=/root"],
  directory: "/",
  uid: 0,
  gid: 0,
  groups: [],
  stopSignal: 15,
  hostname: "wick",
};
const wick: InitRequest = {
  kind: "wick",
  binary: utf8("\x7fELF init"),
  records: utf8("records"),
  config: { Cmd: ["nginx"] },
};
const script = (process: Partial<ResolvedProcess> = {}): InitRequest => ({
  kind: "script",
  process: { ...program, ...process },
  files: {},
});

function fresh() {
  return { tree: new Tree(), sink: new MemorySink() };
}

function withShell(...more: string[]) {
  const { tree, sink } = fresh();
  for (const path of ["/bin/sh", ...more]) addFile(tree, sink, path, utf8(path), { mode: 0o755 });
  return { tree, sink };
}

function failure(action: () => unknown) {
  try {
    action();
  } catch (error) {
    if (isWickError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("wick's init comes with its records, its config and what it mounts on", () => {
  const { tree, sink } = fresh();
  expect(installInit(tree, sink, wick, { mtimeSeconds: 5 })).toEqual({
    path: "/sbin/init",
    notes: [],
  });
  expect(listing(tree)).toEqual([
    "directory 0700 0:0 5 /.wick",
    "file 0600 0:0 5 /.wick/config.json",
    "file 0600 0:0 5 /.wick/init.rec",
    "directory 0755 0:0 5 /dev",
    "directory 0755 0:0 5 /etc",
    "directory 0755 0:0 5 /proc",
    "directory 0755 0:0 5 /run",
    "directory 0755 0:0 5 /sbin",
    "file 0755 0:0 5 /sbin/init",
    "directory 0755 0:0 5 /sys",
    "directory 1777 0:0 5 /tmp",
  ]);
  expect(parseConfig(readFile(tree, sink, "/.wick/config.json", 999)!)).toEqual({ Cmd: ["nginx"] });
  expect(text(readFile(tree, sink, "/.wick/init.rec", 999))).toBe("records");
});

test("directories that are there keep their metadata", () => {
  const { tree, sink } = fresh();
  ensureDirectory(tree, "/tmp", { mode: 0o700, uid: 5 });
  installInit(tree, sink, wick);
  expect(listing(tree)).toContain("directory 0700 5:0 0 /tmp");
});

/** Links as images have them → where init really goes. */
const links: [string, [string, string][], string][] = [
  ["usr-merge", [["/sbin", "usr/sbin"]], "/usr/sbin/init"],
  ["an absolute link", [["/sbin", "/opt/tools"]], "/opt/tools/init"],
  ["a link above the root", [["/sbin", "../../../usr/bin"]], "/usr/bin/init"],
  [
    "links of links",
    [
      ["/sbin", "usr/sbin"],
      ["/usr/sbin", "bin"],
    ],
    "/usr/bin/init",
  ],
  ["a link into /proc", [["/sbin", "/proc/self/root"]], "/proc/self/root/init"],
];

for (const [name, list, path] of links) {
  test(`with ${name} as /sbin init lands where the kernel looks`, () => {
    const { tree, sink } = fresh();
    for (const [link, target] of list) addSymlink(tree, sink, link, target);
    expect(installInit(tree, sink, wick).path).toBe(path);
    expect(text(readFile(tree, sink, path, 99))).toBe("\x7fELF init");
    expect(text(readFile(tree, sink, "/sbin/init", 99))).toBe("\x7fELF init");
  });
}

test("a loop at /sbin, at /sbin/init or at a mount point is an error", () => {
  for (const [link, target] of [
    ["/sbin", "sbin"],
    ["/sbin/init", "init2"],
    ["/dev", "/dev"],
  ] as const) {
    const { tree, sink } = fresh();
    addSymlink(tree, sink, link, target);
    if (link === "/sbin/init") addSymlink(tree, sink, "/sbin/init2", "init");
    expect(failure(() => installInit(tree, sink, wick)).code).toBe("PATH_LOOP");
  }
});

test("the former init is kept beside the new one, a link as a link", () => {
  const { tree, sink } = fresh();
  addSymlink(tree, sink, "/sbin", "usr/sbin");
  addSymlink(tree, sink, "/usr/sbin/init", "../lib/systemd/systemd");
  addFile(tree, sink, "/usr/lib/systemd/systemd", utf8("systemd"), { mode: 0o755 });
  expect(installInit(tree, sink, wick).notes).toEqual([
    "the former /usr/sbin/init was kept as /usr/sbin/init.old",
  ]);
  expect(listing(tree)).toContain(
    "symlink 0777 0:0 0 /usr/sbin/init.old -> ../lib/systemd/systemd",
  );
  expect(text(readFile(tree, sink, "/lib/systemd/systemd", 9))).toBe("undefined");
  expect(text(readFile(tree, sink, "/usr/lib/systemd/systemd", 9))).toBe("systemd");
  expect(installInit(tree, sink, wick).notes).toEqual([
    "/usr/sbin/init.old is there already: the former /usr/sbin/init was replaced",
    "a former /.wick was replaced",
  ]);
  expect(text(readFile(tree, sink, "/sbin/init", 99))).toBe("\x7fELF init");
});

test("an image's own /.wick, a link elsewhere say, does not lead our files away", () => {
  const { tree, sink } = fresh();
  addSymlink(tree, sink, "/.wick", "/etc");
  installInit(tree, sink, wick);
  expect(text(readFile(tree, sink, "/etc/config.json", 99))).toBe("undefined");
  expect(listing(tree)[0]).toBe("directory 0700 0:0 0 /.wick");
});

test("a directory in the place of init is an error", () => {
  const { tree, sink } = fresh();
  ensureDirectory(tree, "/sbin/init");
  expect(failure(() => installInit(tree, sink, wick)).code).toBe("PATH_CONFLICT");
});

test("none adds nothing, app is for an initramfs", () => {
  const { tree, sink } = fresh();
  expect(installInit(tree, sink, { kind: "none" })).toEqual({ path: undefined, notes: [] });
  expect(listing(tree)).toEqual([]);
});

const app = (argv: readonly string[]): InitRequest => ({
  kind: "app",
  process: { ...program, argv },
  config: { Entrypoint: argv },
});

test("an application that is process 1 is found by its PATH; /init leads to it", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/usr/sbin/nginx", utf8("program"), { mode: 0o755 });
  addFile(tree, sink, "/init", utf8("former"), { mode: 0o755 });
  const installed = installInit(tree, sink, app(["nginx"]), { root: "initramfs" });
  expect(installed).toEqual({
    path: "/init",
    notes: ["the former /init was kept as /init.old"],
  });
  const contents = (path: string) => Buffer.from(readFile(tree, sink, path, 4096)!).toString();
  expect(contents("/init")).toBe("program");
  expect(contents("/init.old")).toBe("former");
  expect(parseConfig(readFile(tree, sink, "/.wick/config.json", 4096)!)).toEqual({
    Entrypoint: ["nginx"],
  });
  const names = listing(tree).map((line) => line.split(" ").at(-1));
  expect(names).not.toContain("/proc");
});

test("an application as process 1 needs its program and an initramfs", () => {
  const { tree, sink } = fresh();
  const install = (root: "disk" | "initramfs") => () =>
    installInit(tree, sink, app(["/x"]), { root });
  expect(failure(install("initramfs"))).toMatchObject({
    code: "NO_APPLICATION",
    message: expect.stringContaining('the program "/x" is not in the image'),
  });
  expect(failure(install("disk"))).toMatchObject({
    code: "UNSUPPORTED",
    hint: expect.stringContaining("--format initramfs"),
  });
  expect(listing(tree)).toEqual([]);
});

test("a script needs a shell and says how to get one, before anything is changed", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/bin/sh", utf8("not executable"), { mode: 0o644 });
  const error = failure(() => installInit(tree, sink, script()));
  expect([error.code, error.hint]).toEqual([
    "UNSUPPORTED",
    "add --with deb:busybox-static, or use --init wick",
  ]);
  expect(listing(tree).length).toBe(2);
});

test("busybox alone becomes the shell by a link, in a merged /usr too", () => {
  const plain = fresh();
  addFile(plain.tree, plain.sink, "/bin/busybox", utf8("b"), { mode: 0o755 });
  const { notes } = installInit(plain.tree, plain.sink, script());
  expect(notes[0]).toBe("/bin/sh was made a link to busybox");
  const merged = fresh();
  addFile(merged.tree, merged.sink, "/usr/bin/busybox", utf8("b"), { mode: 0o755 });
  installInit(merged.tree, merged.sink, script());
  expect(listing(merged.tree)).toContain("symlink 0777 0:0 0 /bin/sh -> /usr/bin/busybox");
});

test("the script is readable, passes sh -n, and names what the tree has", () => {
  const { tree, sink } = withShell("/bin/mount", "/sbin/ip", "/bin/mkdir", "/sbin/reboot");
  installInit(tree, sink, script({ directory: "/srv/app", uid: 0 }));
  const init = text(readFile(tree, sink, "/sbin/init", 1 << 20));
  execFileSync("sh", ["-n"], { input: init });
  execFileSync("bash", ["--posix", "-n"], { input: init });
  expect(init).toContain("/bin/mount -t proc -o nosuid,nodev,noexec proc /proc 2>/dev/null\n");
  expect(init).toContain("/sbin/ip link set lo up\n");
  expect(init).toContain(
    "\n  export HOME=/root\n  cd /srv/app || exit 126\n  exec nginx -g 'daemon off;'\n)",
  );
  expect(init).toContain("key=b; /sbin/reboot -f ;;");
  expect(listing(tree)).toContain("directory 0755 0:0 0 /srv/app");
  expect(listing(tree)).toContain("char 0600 0:0 0 /dev/console");
  expect(listing(tree)).toContain("symlink 0777 0:0 0 /etc/resolv.conf -> /proc/net/pnp");
  expect(listing(tree)).toContain("file 0755 0:0 0 /sbin/init");
});

test("sh -n, the oracle above, refuses a script with an open quote", () => {
  const broken = { input: "export A='x\n", stdio: ["pipe", "pipe", "ignore"] as never };
  expect(() => execFileSync("sh", ["-n"], broken)).toThrow();
  expect(() => execFileSync("bash", ["--posix", "-n"], broken)).toThrow();
});

test("a user needs a tool that switches: the best that is there, or an error", () => {
  const groups = [4, 5];
  const execLine = (...paths: string[]) => {
    const { tree, sink } = withShell("/bin/mount", ...paths);
    const { notes } = installInit(tree, sink, script({ uid: 33, gid: 34, groups }));
    const init = text(readFile(tree, sink, "/sbin/init", 1 << 20));
    return [/ {2}exec (.*) nginx -g/.exec(init)![1], ...notes];
  };
  expect(execLine("/usr/bin/setpriv", "/usr/bin/chpst")).toEqual([
    "/usr/bin/setpriv --reuid 33 --regid 34 --groups 4,5",
  ]);
  expect(execLine("/usr/bin/chpst")).toEqual(["/usr/bin/chpst -u :33:34:4:5"]);
  expect(execLine("/sbin/su-exec")).toEqual([
    "/sbin/su-exec 33:34",
    "/sbin/su-exec does not set the groups 4, 5",
  ]);
  expect(execLine("/sbin/su-exec", "/usr/sbin/chroot")).toEqual([
    "/usr/sbin/chroot --userspec=33:34 --groups=4,5 --skip-chdir /",
  ]);
  const { tree, sink } = withShell();
  const error = failure(() => installInit(tree, sink, script({ uid: 33 })));
  expect(error.code).toBe("UNSUPPORTED");
  expect(listing(tree).length).toBe(2);
});

test("busybox's applets are found in its program, su by the account's name", () => {
  const { tree, sink } = withShell();
  const applets = "\0\x01[\0[[\0ip\0mount\0su\0sync\0";
  addFile(tree, sink, "/bin/busybox", utf8(applets), { mode: 0o755 });
  const files = { passwd: utf8("www:x:33:33::/:/bin/false\n") };
  const process = { ...program, uid: 33, gid: 33 };
  installInit(tree, sink, { kind: "script", process, files });
  const init = text(readFile(tree, sink, "/sbin/init", 1 << 20));
  expect(init).toContain("/bin/busybox ip link set lo up");
  expect(init).toContain(`exec /bin/busybox su -m -s /bin/sh www -c 'exec "$0" "$@"' nginx -g`);
  expect(init).toContain("key=o ;;");
});

test("names that no shell exports go through env, without env they are an error", () => {
  const env = ["a.b=1", "UID=7", "GOOD=x"];
  const { tree, sink } = withShell("/usr/bin/env");
  installInit(tree, sink, script({ env }));
  const init = text(readFile(tree, sink, "/sbin/init", 1 << 20));
  expect(init).toContain("  export GOOD=x\n");
  expect(init).toContain("  exec /usr/bin/env 'a.b=1' 'UID=7' nginx -g");
  const bare = withShell();
  expect(failure(() => installInit(bare.tree, bare.sink, script({ env }))).code).toBe(
    "UNSUPPORTED",
  );
});

const shells = [["sh"], ["bash", "--posix"]] as const;
const anyText = fc
  .string({ unit: "binary" })
  .filter((s) => !/[\0\p{Surrogate}]/u.test(s))
  .map((s) => `x${s}`);

for (const [shell, ...options] of shells) {
  test(`words of any bytes come through ${shell} unchanged`, () => {
    const words = fc.array(
      fc.oneof(anyText, fc.constantFrom("", "-n", "'", "\\", "a\nb", "$(id)")),
    );
    fc.assert(
      fc.property(words, (list) => {
        const command = `printf '%s\\0' ${quoteAll(["-", ...list])}`;
        const output = execFileSync(shell, [...options, "-c", command]);
        expect(output.toString()).toBe(["-", ...list].map((word) => `${word}\0`).join(""));
      }),
      { numRuns: 60 },
    );
  });
}

test("plain words are not quoted", () => {
  expect(quote("/usr/sbin/nginx")).toBe("/usr/sbin/nginx");
  expect([quote(""), quote("a b"), quote("it's"), quote("~")]).toEqual([
    "''",
    "'a b'",
    `'it'\\''s'`,
    "'~'",
  ]);
});

test("the script runs its application with exact words, and ends with its status", () => {
  const { tree, sink } = withShell("/usr/bin/env");
  const show = 'const { A, "a.b": dot } = process.env; const words = process.argv.slice(1);';
  const code = `${show} console.log([...words, process.cwd(), A, dot].join("|")); process.exit(7)`;
  const argv = [process.execPath, "-e", code, "it's", "$x\n"];
  const env = ["PATH=/usr/bin:/bin", "A=two\nlines '", "a.b=dot"];
  installInit(tree, sink, script({ argv, env, directory: "/usr" }));
  const init = text(readFile(tree, sink, "/sbin/init", 1 << 20))
    // Only what the application sees: this is the host, nothing is set up and nothing ends.
    .replace(/^[^]*?(?=\n# The application)/, "")
    .replace(/\n# Process 1 must not end[^]*/, "\nexit $status\n");
  expect(init).not.toContain("sysrq");
  expect(init).not.toContain("/proc/sys");
  let output = "";
  try {
    execFileSync("sh", ["-c", init], { encoding: "utf8" });
  } catch (error) {
    const failed = error as { status: number; stdout: string };
    output = `${failed.status} ${failed.stdout}`;
  }
  expect(output).toBe(
    "7 it's|$x\n|/usr|two\nlines '|dot\nwick: the application ended with status 7\n",
  );
});
