import { expect, test } from "vitest";
import { MemoryStorage } from "../../../test/support/memory-storage.ts";
import { TreeMaker } from "../../../test/support/tree-maker.ts";
import { utf8 } from "../../bytes/index.ts";
import { Tree } from "../../tree/index.ts";
import { superblock } from "./layout.ts";
import { createExt4, type Ext4Options, type Ext4Summary } from "./writer.ts";

const MiB = 1 << 20;
const data = new Uint8Array(MiB).fill(7);

interface Result {
  readonly summary: Ext4Summary;
  readonly warnings: readonly string[];
}

function build(
  fill: (make: TreeMaker) => void,
  options: Partial<Ext4Options> = {},
  storage = new MemoryStorage(),
): Result {
  const warnings: string[] = [];
  const writer = createExt4(storage, {
    journal: false,
    uuid: new Uint8Array(16),
    warn: (message) => void warnings.push(message),
    ...options,
  });
  const make = new TreeMaker(writer.sink);
  fill(make);
  return { summary: writer.finish(make.tree), warnings };
}

/** The error's code and message. */
function failure(action: () => unknown): { code?: string; message?: string; hint?: string } {
  try {
    action();
  } catch (error) {
    return error as { code?: string; message?: string };
  }
  return {};
}

test("contents that outgrow the size asked for fail while they come, and nothing lies beyond", () => {
  const storage = new MemoryStorage();
  let pieces = 0;
  const error = failure(() =>
    build(
      (make) => {
        for (let i = 0; i < 100; i++, pieces++) make.file(Tree.ROOT, `${i}`, data);
      },
      { sizeBytes: 10 * MiB, expectedBytes: 100 * MiB },
      storage,
    ),
  );
  expect(error).toMatchObject({ code: "IMAGE_TOO_SMALL" });
  expect(error.message).toContain(`${10 * MiB} bytes: at least ${100 * MiB} bytes are needed`);
  expect(error.hint).toContain("--size");
  expect(pieces).toBeLessThan(11);
  expect(storage.sizeBytes).toBeLessThanOrEqual(10 * MiB);
});

test("contents beyond what was expected are an error that names --size", () => {
  const allowed = 8 * 2 ** 30; // what is set aside at least
  const storage = new MemoryStorage();
  storage.writeAt = () => {};
  const error = failure(() =>
    build(
      (make) =>
        make.file(
          Tree.ROOT,
          "f",
          Array.from({ length: 20_000 }, () => data),
        ),
      { expectedBytes: 0 },
      storage,
    ),
  );
  expect(error).toMatchObject({ code: "IMAGE_LIMIT" });
  expect(error.hint).toContain("--size");
  expect(Number(/the (\d+) bytes/.exec(error.message!)![1])).toBeGreaterThanOrEqual(allowed);
});

test("a full disk is the storage's own error, whenever it comes", () => {
  const fill = (make: TreeMaker): void => {
    for (let i = 0; i < 3; i++) make.file(Tree.ROOT, `${i}`, data);
  };
  for (const capacity of [0, 1.5 * MiB, 3 * MiB, 3 * MiB + 5000]) {
    const error = failure(() => build(fill, {}, new MemoryStorage(capacity)));
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
});

test("what ext4 cannot hold is refused with the path", () => {
  const cases: [string, (make: TreeMaker) => void, RegExp][] = [
    ["IMAGE_LIMIT", (make) => make.symlink(Tree.ROOT, "s", "t".repeat(4096)), /"\/s".*4096 bytes/],
    ["IMAGE_LIMIT", (make) => make.symlink(Tree.ROOT, "s", ""), /"\/s".*0 bytes/],
    [
      "VALUE_OUT_OF_RANGE",
      (make) => make.special(Tree.ROOT, "d", "char", { major: 5000, minor: 0 }),
      /"\/d"/,
    ],
    [
      "PATH_CONFLICT",
      (make) => make.file(Tree.ROOT, "lost+found"),
      /"\/lost\+found": it is a file/,
    ],
    [
      "IMAGE_LIMIT",
      (make) => {
        const directory = make.directory(make.directory(Tree.ROOT, "a"), "b");
        make.file(directory, "f", "", {
          xattrs: [{ name: utf8("user.x"), value: new Uint8Array(5000) }],
        });
      },
      /"\/a\/b\/f".*extended attributes/,
    ],
  ];
  for (const [code, fill, message] of cases) {
    const error = failure(() => build(fill));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  }
});

test("a time that cannot be stored is moved, with a warning that names the file", () => {
  const { warnings } = build((make) => {
    make.file(Tree.ROOT, "f", "", { mtime: { seconds: 2 ** 35, nanoseconds: 0 } });
  });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('"/f"');
});

test("naming ten thousand files deep in a hostile tree takes no time", () => {
  const count = 10_000;
  const started = performance.now();
  const { warnings } = build((make) => {
    const mtime = { seconds: 2 ** 36, nanoseconds: 0 };
    for (let i = 0; i < count; i++) make.directory(Tree.ROOT, `beside ${i}`);
    let deep = make.directory(Tree.ROOT, "deep");
    for (let i = 0; i < 1000; i++) deep = make.directory(deep, `d${i}`);
    for (let i = 0; i < count; i++) make.file(deep, `f${i}`, "", { mtime });
  });
  expect(warnings).toHaveLength(count);
  expect(warnings.at(-1)).toMatch(/^"…\/d937\/.*\/d999\/f9999": its time/);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test("what a replaced file leaves at the end never gets into the journal or unused inodes", () => {
  const storage = new MemoryStorage();
  const { summary } = build(
    (make) => {
      const ino = make.file(Tree.ROOT, "f", data);
      make.setContents(ino, data.subarray(0, 4096));
    },
    { journal: true },
    storage,
  );
  const { superblock: at } = openJournal(storage);
  const journal = new Uint8Array(summary.journalBlocks * 4096);
  storage.readAt(journal, at);
  expect(journal.subarray(0, 4).toString()).toBe("192,59,57,152"); // its superblock
  expect(journal.subarray(1024).some((byte) => byte !== 0)).toBe(false);
});

/** Where the journal begins, by its inode's only extent, of which the superblock has a copy. */
function openJournal(storage: MemoryStorage): { superblock: number } {
  const bytes = new Uint8Array(1024);
  storage.readAt(bytes, 1024);
  const words = superblock.read(bytes).s_jnl_blocks;
  return { superblock: words[5]! * 4096 };
}

test("options that cannot be are refused", () => {
  expect(failure(() => build(() => {}, { label: "seventeen letters" }))).toMatchObject({
    code: "USAGE",
  });
  expect(failure(() => build(() => {}, { sizeBytes: 2 ** 44 + 4096 }))).toMatchObject({
    code: "IMAGE_LIMIT",
  });
  expect(failure(() => build(() => {}, { sizeBytes: 5000 }))).toMatchObject({
    code: "IMAGE_TOO_SMALL",
  });
  expect(failure(() => build(() => {}, { uuid: new Uint8Array(15) }))).toMatchObject({
    code: "INTERNAL",
  });
});

test("the UUID is asked for when all data have passed", () => {
  let passed = false;
  const uuid = (): Uint8Array => new Uint8Array(16).fill(passed ? 5 : 0);
  const { summary } = build(
    (make) => {
      make.file(Tree.ROOT, "f", data);
      passed = true;
    },
    { uuid },
  );
  expect(summary.uuid[0]).toBe(5);
});

test("the nominal size is a quarter more than the contents, 256 MiB at least", () => {
  const { summary } = build((make) => make.file(Tree.ROOT, "f", data));
  expect(summary.sizeBytes).toBeGreaterThan(257 * MiB);
  expect(summary.sizeBytes).toBeLessThan(260 * MiB);
});
