import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ownProcesses } from "../../test/support/processes.ts";
import { setFaults } from "../host/index.ts";
import { decompress, kindOf } from "./index.ts";
import { unxz } from "./xz.ts";
import { unzstd, zstdEngine } from "./zstd.ts";

/** 2 MiB that compress to about a third: this process's own program, twice. */
const program = readFileSync(process.execPath).subarray(0, 2 << 20);

const tools = {
  gzip: ["gzip", "-c", "-6"],
  zstd: ["zstd", "-qc", "-3", "--check"],
  xz: ["xz", "-c", "-1"],
  bzip2: ["bzip2", "-c"],
  lz4: ["lz4", "-qc"],
} as const;
type Tool = keyof typeof tools;
const every = Object.keys(tools) as Tool[];

function pack(kind: Tool, bytes: Uint8Array, ...more: string[]): Buffer {
  const [name, ...args] = tools[kind];
  return execFileSync(name, [...args, ...more], { input: bytes, maxBuffer: 1 << 28 });
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

const plain = (bytes: Uint8Array, size = 100_000): Promise<Buffer> =>
  all(decompress(pieces(bytes, size), { name: "data" }));

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test.each(every)("what %s packed comes back byte for byte", async (kind) => {
  expect(sha(await plain(pack(kind, program)))).toBe(sha(program));
});

test.each(every)(
  "%s: two files one after the other are one, in pieces of one byte",
  async (kind) => {
    const both = Buffer.concat([
      pack(kind, Buffer.from("hello ")),
      pack(kind, Buffer.from("world")),
    ]);
    expect((await plain(both, 1)).toString()).toBe("hello world");
  },
);

test.each(every)("%s: a truncated file is an error", async (kind) => {
  const packed = pack(kind, program);
  for (const cut of [packed.length - 1, packed.length >> 1, 20]) {
    await expect(plain(packed.subarray(0, cut))).rejects.toMatchObject({
      code: "COMPRESSION_INVALID",
    });
  }
});

test.each(every)("%s: a flipped bit is an error or changes nothing", async (kind) => {
  const packed = pack(kind, program.subarray(0, 200_000));
  for (let i = 1; i < 20; i++) {
    const damaged = Buffer.from(packed);
    damaged[((packed.length * i) / 20) | 0]! ^= 0x10;
    const outcome = await plain(damaged).then(sha, (error: { code: string }) => error.code);
    expect(["COMPRESSION_INVALID", sha(program.subarray(0, 200_000))]).toContain(outcome);
  }
});

test.each(every)("%s: an empty file comes back empty", async (kind) => {
  expect(await plain(pack(kind, new Uint8Array(0)))).toHaveLength(0);
});

// bzip2's program says "trailing garbage after EOF ignored" and succeeds; so be it there.
test.each(every.filter((kind) => kind !== "bzip2"))(
  "%s: other data behind the end is an error",
  async (kind) => {
    const packed = Buffer.concat([
      pack(kind, program.subarray(0, 3000)),
      Buffer.from("junk it is"),
    ]);
    for (const size of [1, 5000]) {
      await expect(plain(packed, size)).rejects.toMatchObject({ code: "COMPRESSION_INVALID" });
    }
  },
);

test("data of no known kind passes as it is, the empty stream too", async () => {
  expect((await plain(Buffer.from("BZ plain"), 1)).toString()).toBe("BZ plain");
  expect(await plain(new Uint8Array(0))).toHaveLength(0);
  expect(kindOf(new Uint8Array(0))).toBe("none");
  expect(kindOf(Buffer.from("070701"))).toBe("none");
});

test("gzip may be padded with zeros, but not with zeros and more", async () => {
  const packed = gzipSync("hello");
  for (const size of [1, 10, 1000]) {
    const padded = Buffer.concat([packed, Buffer.alloc(700)]);
    expect((await plain(padded, size)).toString()).toBe("hello");
    await expect(plain(Buffer.concat([padded, packed]), size)).rejects.toThrow(
      /other data follows/,
    );
  }
});

test("A3: gzip: a name of 64 MB in the header and a million empty members take bounded time", async () => {
  const named = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
    Buffer.alloc(64 << 20, "n"),
    Buffer.from([0]),
    gzipSync("hello").subarray(10),
  ]);
  expect((await plain(named, 1 << 20)).toString()).toBe("hello");
  const members = Buffer.concat(Array.from({ length: 1_000_000 }, () => EMPTY_MEMBER));
  expect(await plain(members, 1 << 20)).toHaveLength(0);
}, 20_000);
const EMPTY_MEMBER = gzipSync("");

const zstdEngines = [...new Set([zstdEngine(), "tool", "library"] as const)];
test.each(zstdEngines)(
  "A2: zstd by %s: frames, skippable frames and both bounds",
  async (engine) => {
    const options = { name: "data" };
    const skippable = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
    const nothing = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    const frames = [skippable, pack("zstd", program), nothing, pack("zstd", Buffer.from("end"))];
    const whole = Buffer.concat([...frames, skippable]);
    for (const size of [7, 65536]) {
      const got = await all(unzstd(pieces(whole, size), options, engine));
      expect(sha(got)).toBe(sha(Buffer.concat([program, Buffer.from("end")])));
    }
    const cut = whole.subarray(0, -2);
    await expect(all(unzstd(pieces(cut, 999), options, engine))).rejects.toThrow(/truncated/);
    const wide = execFileSync("zstd", ["-qc", "--long=28"], { input: Buffer.alloc(300 << 20) });
    await expect(all(unzstd(pieces(wide, 999), options, engine))).rejects.toThrow(
      "Cannot decompress data: it needs a window of 268435456 bytes, wanted at most 134217728",
    );
  },
);

test("A2: zstd: a million skippable frames pass in bounded time", async () => {
  const nothing = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  const many = Buffer.concat(Array.from({ length: 1_000_000 }, () => nothing));
  expect(await plain(many, 1 << 20)).toHaveLength(0);
}, 20_000);

test("xz by the library gives what xz gives, and finds truncation", async () => {
  const packed = Buffer.concat([pack("xz", program), pack("xz", Buffer.from("end"))]);
  const got = await all(unxz(pieces(packed, 65536), { name: "data" }, "library"));
  expect(sha(got)).toBe(sha(Buffer.concat([program, Buffer.from("end")])));
  const cut = pieces(packed.subarray(0, -80), 65536);
  await expect(all(unxz(cut, { name: "data" }, "library"))).rejects.toMatchObject({
    code: "COMPRESSION_INVALID",
  });
});

test("A2: xz: a dictionary over the bound is an error that tells the limit", async () => {
  const wide = pack("xz", Buffer.from("hello"), "--lzma2=dict=1GiB", "--memlimit-compress=max");
  await expect(plain(wide)).rejects.toMatchObject({
    code: "COMPRESSION_INVALID",
    message: expect.stringMatching(/xz says .*[Mm]emory/),
  });
});

test.each(["xz", "bzip2", "lz4"] as const)(
  "A4: %s: stopping early leaves no process",
  async (kind) => {
    const packed = pack(kind, Buffer.concat([program, program]));
    for await (const chunk of decompress(pieces(packed, 65536), { name: "data" })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(ownProcesses(tmpdir()).filter(({ command }) => command.includes(kind))).toEqual([]);
  },
);

test.each(["gzip", "xz"] as const)("A4: %s: a signal ends it with INTERRUPTED", async (kind) => {
  const packed = pack(kind, program);
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    for await (const chunk of decompress(pieces(packed, 4096), {
      name: "x",
      signal: stop.signal,
    })) {
      if (chunk.length > 0) stop.abort();
    }
  };
  await expect(run()).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("an error of the input is the error that comes out, through an engine and through a tool", async () => {
  for (const kind of ["gzip", "xz"] as const) {
    const packed = pack(kind, program);
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 70_000);
      throw new Error("the disk is gone");
    };
    await expect(all(decompress(failing(), { name: "x" }))).rejects.toThrow("the disk is gone");
  }
});

test("without the program the error names the package", async () => {
  const packed = pack("bzip2", Buffer.from("hello"));
  const places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  setFaults(
    places.map((place) => ({
      call: "stat",
      pathPrefix: `${place}/bzip2`,
      nth: 1,
      errno: "ENOENT",
      persistent: true,
    })),
  );
  try {
    await expect(plain(packed)).rejects.toMatchObject({
      code: "TOOL_MISSING",
      hint: "apt-get install bzip2",
    });
  } finally {
    setFaults([]);
  }
});
