import { expect, test } from "vitest";
import { storageOf, utf8 } from "../../bytes/index.ts";
import { type CpioFile, encodeCpio } from "../../formats/cpio/index.ts";
import { initramfsContents } from "./initramfs-facts.ts";

const AARCH64 = 183;
const X86_64 = 62;

/** The least that identifies a program. */
function elf(machine: number): Uint8Array {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(machine, 18);
  return head;
}

const common = { uid: 0, gid: 0, mtime: 0 };
const program = (path: string, contents: Uint8Array, links: string[] = []): CpioFile => ({
  ...common,
  path: utf8(path),
  kind: "file",
  mode: 0o755,
  contents,
  links: links.map(utf8),
});
const link = (path: string, target: string): CpioFile => ({
  ...common,
  path: utf8(path),
  kind: "symlink",
  mode: 0o777,
  target: utf8(target),
});

async function architectureOf(...archives: CpioFile[][]): Promise<string | undefined> {
  const bytes = Buffer.concat(archives.map((files) => encodeCpio(files)));
  return (await initramfsContents([storageOf(bytes)], undefined)).architecture;
}

test("the architecture of /init is its own, or that of whom links and scripts lead to", async () => {
  expect(await architectureOf([program("init", elf(AARCH64))])).toBe("aarch64");
  const links = [link("init", "/sbin/../sbin/run"), link("sbin", "usr/sbin")];
  const script = program("usr/sbin/run", utf8("#! /bin/sh -e\nexec app\n"));
  const shell = [link("bin", "./usr/bin"), link("usr/bin/sh", "../../../usr/bin/busybox")];
  const all = [...links, script, ...shell, program("usr/bin/busybox", elf(AARCH64))];
  expect(await architectureOf(all)).toBe("aarch64");
});

test("hard links share their data, later archives lie over earlier ones", async () => {
  const linked = program("bin/first", elf(AARCH64), ["init", "bin/last"]);
  expect(await architectureOf([linked])).toBe("aarch64");
  expect(await architectureOf([linked], [program("init", elf(X86_64))])).toBe("x86_64");
  expect(await architectureOf([program("init", elf(X86_64))], [link("init", "gone")])).toBe(
    undefined,
  );
});

test("nothing is said where links or interpreters go in circles, or init is no program", async () => {
  expect(await architectureOf([link("init", "a"), link("a", "/init")])).toBe(undefined);
  expect(await architectureOf([program("init", utf8("#!/init\n"))])).toBe(undefined);
  expect(await architectureOf([program("init", utf8("exit 0\n"))])).toBe(undefined);
  expect(await architectureOf([program("app", elf(X86_64))])).toBe(undefined);
});
