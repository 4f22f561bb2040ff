import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WickError } from "../../src/errors/index.ts";
import { AT_ONCE_MS } from "../support/at-once.ts";
import {
  hostileRegistry,
  isBlob,
  rangeStart,
  send,
  serveImage,
  type Switch,
} from "../support/registry/hostile.ts";
import {
  content,
  descriptor,
  type MemoryImage,
  memoryImage,
  noise,
  types,
} from "../support/registry/image.ts";
import { type Listener, listen } from "../support/registry/listener.ts";
import { pullAll, type PullOptions, type Pulled, quick } from "../support/registry/pulling.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A refused pull: the error, what it waited with, and that the store holds no blob of it. */
async function refused(
  registry: Listener,
  options: Partial<PullOptions> = {},
): Promise<WickError & { notes: readonly string[]; directory: string }> {
  const directory = temporaryDirectory();
  const error = await pullAll(`${registry.host}/app`, { directory, ...options }).then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error as WickError,
  );
  expect(error).toBeInstanceOf(WickError);
  return Object.assign(error as WickError & { notes: readonly string[] }, { directory });
}

function pull(registry: Listener, options: Partial<PullOptions> = {}): Promise<Pulled> {
  return pullAll(`${registry.host}/app`, { directory: temporaryDirectory(), ...options });
}

/** Everything that a pull left is what its name says. */
function expectTrueBlobs(directory: string): void {
  const blobs = join(directory, "cache/blobs/sha256");
  for (const name of readdirSync(blobs)) {
    expect(
      createHash("sha256")
        .update(readFileSync(join(blobs, name)))
        .digest("hex"),
    ).toBe(name);
  }
}

/** Puts `answer` in the place of the first layer. */
function forLayer(image: MemoryImage, answer: Switch): Switch {
  return (request, response) =>
    isBlob(request, image.layers[0]!) ? answer(request, response) : false;
}

function layerRequests(registry: Listener, image: MemoryImage): number {
  return registry.seen.filter((request) => isBlob(request, image.layers[0]!)).length;
}

test("R5 a layer that is to come from another host is refused, and that host never asked", async () => {
  const elsewhere = await listen((_, response) => void response.end("x"), { address: "127.0.0.2" });
  const image = memoryImage({
    changeManifest: (manifest) => ({
      ...manifest,
      layers: (manifest["layers"] as object[]).map((layer) => ({
        ...layer,
        urls: [`http://${elsewhere.host}/layer`],
      })),
    }),
  });
  const error = await refused(await hostileRegistry(image));
  expect(error.code).toBe("UNSUPPORTED");
  expect(error.message).toContain(elsewhere.host);
  expect(elsewhere.connections()).toBe(0);
});

test("R6 a malformed digest is refused before a path or a request is formed", async () => {
  const hex = "a".repeat(64);
  const digests = [
    "sha256:../../x",
    `sha/256:${hex}`,
    `sha256:${hex.toUpperCase()}`,
    `sha256:${hex.slice(1)}`,
    `md5:${hex.slice(32)}`,
    `sha256:${hex}\n`,
  ];
  for (const digest of digests) {
    const image = memoryImage({
      changeManifest: (manifest) => ({
        ...manifest,
        layers: [{ mediaType: types.layer, digest, size: 5 }],
      }),
    });
    const registry = await hostileRegistry(image);
    const error = await refused(registry);
    expect(["IMAGE_INVALID", "UNSUPPORTED"]).toContain(error.code);
    expect(registry.seen.map(({ url }) => url)).toEqual(["/v2/app/manifests/latest"]);
  }
});

test("R7 a manifest that is an index too, or that is called something else, is refused", async () => {
  const both = memoryImage({ changeManifest: (manifest) => ({ ...manifest, manifests: [] }) });
  expect((await refused(await hostileRegistry(both))).code).toBe("IMAGE_INVALID");
  const plain = memoryImage();
  const misnamed = await hostileRegistry(plain, {
    instead(request, response) {
      if (!request.url.includes("/manifests/")) return false;
      send(response, { ...plain.manifest, mediaType: types.index }, request);
      return true;
    },
  });
  expect((await refused(misnamed)).code).toBe("IMAGE_INVALID");
});

test("R8 a manifest of 100 MB is not read, 100,000 descriptors and odd sizes are refused", async () => {
  let sent = 0;
  const endless = await hostileRegistry(memoryImage(), {
    instead(_, response) {
      response.writeHead(200, { "content-type": types.manifest });
      const chunk = Buffer.alloc(1 << 16, " ");
      const more = (): void => {
        while (!response.destroyed && sent < 100 << 20) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
      return true;
    },
  });
  const before = process.memoryUsage().rss;
  expect((await refused(endless)).code).toBe("IMAGE_LIMIT");
  expect(sent).toBeLessThan(32 << 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
  const one = { mediaType: types.layer, digest: `sha256:${"a".repeat(64)}` };
  const layers = [
    Array.from({ length: 100_000 }, () => ({ ...one, size: 1 })),
    [{ ...one, size: -1 }],
    [{ ...one, size: 2 ** 63 }],
    [{ ...one, size: 1.5 }],
  ];
  for (const layersOfOne of layers) {
    const image = memoryImage({
      changeManifest: (manifest) => ({ ...manifest, layers: layersOfOne }),
    });
    const error = await refused(await hostileRegistry(image));
    expect(["IMAGE_INVALID", "IMAGE_LIMIT"]).toContain(error.code);
  }
});

test("R8 an index within an index, ten deep, and data that is not what its digest says", async () => {
  const image = memoryImage();
  const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  const documents = [image.manifest];
  for (let i = 0; i < 10; i++) {
    const manifests = [{ ...descriptor(documents[0]!), platform }];
    documents.unshift(
      content(types.index, { schemaVersion: 2, mediaType: types.index, manifests }),
    );
  }
  const registry = await hostileRegistry(image, {
    instead(request, response) {
      const name = request.url.split("/").at(-1);
      const found = documents.find(({ digest }) => digest === name) ?? documents[0]!;
      if (!request.url.includes("/manifests/")) return false;
      send(response, found, request);
      return true;
    },
  });
  const error = await refused(registry);
  expect(error.message).toContain("indexes within indexes");
  expect(registry.seen.length).toBeLessThan(5);
  const data = memoryImage({
    changeManifest: (manifest) => ({
      ...manifest,
      config: { ...(manifest["config"] as object), data: "AAAA" },
    }),
  });
  expect((await refused(await hostileRegistry(data))).code).toBe("DIGEST_MISMATCH");
});

test("R9 a body longer than its descriptor ends at the first byte too many, a shorter one is an error", async () => {
  const image = memoryImage();
  const { bytes } = image.layers[0]!;
  let written = 0;
  const longer = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && written < 100 << 20) {
          const chunk = written < bytes.length ? bytes : Buffer.alloc(1 << 16);
          written += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
      };
      more();
      return true;
    }),
  });
  const error = await refused(longer);
  expect(error.code).toBe("DIGEST_MISMATCH");
  expect(written).toBeLessThan(32 << 20);
  const shorter = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      response.writeHead(200, { "content-length": bytes.length - 1 });
      response.end(bytes.subarray(1));
      return true;
    }),
  });
  const short = await refused(shorter);
  expect(short.code).toBe("DIGEST_MISMATCH");
  expectTrueBlobs(short.directory);
});

test("R9 junk after the end of gzip but inside the size is digested, and is the blob's own", async () => {
  const image = memoryImage();
  const junk = content(types.layer, Buffer.concat([image.layers[0]!.bytes, Buffer.alloc(100)]));
  const withJunk = memoryImage({
    changeManifest: (manifest) => ({ ...manifest, layers: [descriptor(junk)] }),
  });
  const registry = await hostileRegistry({ ...withJunk, layers: [junk] });
  const { paths } = await pull(registry);
  expect(readFileSync(paths[0]!)).toEqual(junk.bytes);
});

/** Serves `count` bytes of the layer and breaks the connection, `times` times. */
function breaking(image: MemoryImage, count: number, times: number, then: Switch): Switch {
  let broken = 0;
  return forLayer(image, (request, response) => {
    if (broken++ >= times) return then(request, response);
    const { bytes } = image.layers[0]!;
    const from = rangeStart(request) ?? 0;
    const status = from === 0 ? 200 : 206;
    response.writeHead(status, {
      "content-length": bytes.length - from,
      ...(from === 0
        ? {}
        : { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(from, from + count), () => {
      setTimeout(() => response.destroy(), 20);
    });
    return true;
  });
}

const big = memoryImage({ layerBytes: [300_000] });
const bigBytes = big.layers[0]!.bytes.length;

test("R10 a connection that breaks in mid-blob goes on where it was: no byte is sent twice", async () => {
  const registry = await hostileRegistry(big, {
    instead: breaking(big, 100_000, 2, () => false),
  });
  const { paths, notes } = await pull(registry);
  expect(readFileSync(paths[0]!)).toEqual(big.layers[0]!.bytes);
  const ranges = registry.seen
    .filter((request) => isBlob(request, big.layers[0]!))
    .map(({ headers }) => headers.range);
  expect(ranges).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
  expect(notes.join("\n")).toContain("trying again in");
});

test("R10 the next process goes on where the former one ended", async () => {
  const directory = temporaryDirectory();
  let isBroken = true;
  const registry = await hostileRegistry(big, {
    instead: forLayer(big, (_, response) => {
      if (!isBroken) return false;
      response.writeHead(200, { "content-length": bigBytes });
      response.write(big.layers[0]!.bytes.subarray(0, 123_456), () => {
        setTimeout(() => response.destroy(), 20);
      });
      isBroken = false;
      return true;
    }),
  });
  const noRetry = { ...quick, overallMs: 0 };
  await refused(registry, { directory, retry: noRetry });
  const { paths } = await pull(registry, { directory });
  expect(registry.seen.at(-1)!.headers.range).toBe("bytes=123456-");
  expect(readFileSync(paths[0]!)).toEqual(big.layers[0]!.bytes);
});

const oddAnswers: Readonly<Record<string, Switch>> = {
  "a 200 with the whole": (request, response) => {
    send(response, big.layers[0]!, { ...request, headers: {} });
    return true;
  },
  "a 206 from another offset": (request, response) => {
    const from = rangeStart(request);
    if (from === undefined) return false;
    const rest = big.layers[0]!.bytes.subarray(from - 1);
    const range = `bytes ${from - 1}-${bigBytes - 1}/${bigBytes}`;
    response.writeHead(206, { "content-range": range, "content-length": rest.length }).end(rest);
    return true;
  },
  "a 206 that names no offset": (request, response) => {
    if (rangeStart(request) === undefined) return false;
    response.writeHead(206).end(big.layers[0]!.bytes.subarray(0, 1000));
    return true;
  },
  "a 416 to an open range": (request, response) => {
    if (rangeStart(request) === undefined) return false;
    response.writeHead(416, { "content-range": `bytes */${bigBytes}` }).end();
    return true;
  },
  "a 400": (request, response) => {
    if (rangeStart(request) === undefined) return false;
    response.writeHead(400).end("no ranges here");
    return true;
  },
  "a 304": (request, response) => {
    if (rangeStart(request) === undefined) return false;
    response.writeHead(304).end();
    return true;
  },
};

for (const [name, answer] of Object.entries(oddAnswers)) {
  test(`R10 ${name} in answer to a range means a clean start`, async () => {
    const registry = await hostileRegistry(big, { instead: breaking(big, 100_000, 1, answer) });
    const { paths } = await pull(registry);
    expect(readFileSync(paths[0]!)).toEqual(big.layers[0]!.bytes);
    expect(layerRequests(registry, big)).toBeLessThan(4);
  });
}

test("R10 a rest that belongs to other bytes is found by the digest, and the whole is fetched anew", async () => {
  const other = noise(bigBytes, 99);
  let ranges = 0;
  const registry = await hostileRegistry(big, {
    instead: breaking(big, 100_000, 1, (request, response) => {
      const from = rangeStart(request);
      if (from === undefined) return false;
      ranges++;
      const range = `bytes ${from}-${bigBytes - 1}/${bigBytes}`;
      response.writeHead(206, { "content-range": range }).end(other.subarray(from));
      return true;
    }),
  });
  const { paths } = await pull(registry);
  expect(ranges).toBe(1);
  expect(readFileSync(paths[0]!)).toEqual(big.layers[0]!.bytes);
});

test("R10 a server that never comes to the end is given up after a bounded number of bytes", async () => {
  let sent = 0;
  const registry = await hostileRegistry(big, {
    instead: forLayer(big, (_, response) => {
      sent += bigBytes - 1;
      response.writeHead(200, { "content-length": bigBytes });
      response.write(big.layers[0]!.bytes.subarray(0, -1), () => {
        setTimeout(() => response.destroy(), 5);
      });
      return true;
    }),
  });
  const retry = { firstPauseMs: 1, longestPauseMs: 2, overallMs: 60_000 };
  const error = await refused(registry, { retry });
  expect(error.code).toBe("REGISTRY_FAILED");
  expect(sent).toBeLessThan(3 * bigBytes + (3 << 20));
});

test("R11 identity is asked for; what is coded all the same is digested as it comes, twice is refused", async () => {
  const image = memoryImage();
  const coded = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(image.layers[0]!.bytes);
      return true;
    }),
  });
  const { paths } = await pull(coded);
  expect(readFileSync(paths[0]!)).toEqual(image.layers[0]!.bytes);
  expect(coded.seen.every(({ headers }) => headers["accept-encoding"] === "identity")).toBe(true);
  const recoded = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(gzipSync(image.layers[0]!.bytes));
      return true;
    }),
  });
  expect((await refused(recoded)).code).toBe("DIGEST_MISMATCH");
  const chained = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      const encoding = Array<string>(1000).fill("gzip").join(", ");
      response.writeHead(200, { "content-encoding": encoding }).end("x");
      return true;
    }),
  });
  const error = await refused(chained);
  expect(error.code).toBe("REGISTRY_FAILED");
  expect(error.message.length).toBeLessThan(300);
});

for (const status of [429, 503]) {
  test(`R12 a ${status} with Retry-After is waited for, and said`, async () => {
    let first: number | undefined;
    let waited = 0;
    const registry = await hostileRegistry(memoryImage(), {
      instead(_, response) {
        if (first !== undefined) waited ||= performance.now() - first;
        if (first !== undefined) return false;
        first = performance.now();
        response.writeHead(status, { "retry-after": "1" }).end();
        return true;
      },
    });
    const { notes } = await pull(registry, { retry: { ...quick, overallMs: 60_000 } });
    expect(waited).toBeGreaterThan(950);
    expect(notes[0]).toMatch(new RegExp(`answers ${status}.*trying again in 1 s`));
  });
}

for (const header of ["99999", new Date(Date.now() + 9e7).toUTCString()]) {
  test(`R12 Retry-After: ${header.length > 9 ? "a date tomorrow" : header} ends at once: nobody waits a day`, async () => {
    const registry = await hostileRegistry(memoryImage(), {
      instead(_, response) {
        response.writeHead(429, { "retry-after": header }).end();
        return true;
      },
    });
    const start = performance.now();
    const error = await refused(registry);
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
    expect(error.message).toMatch(/answers 429.* asks to be left alone for \d+ h/);
    expect(registry.seen).toHaveLength(1);
  });
}

for (const header of ["880µs", "0", "-1", undefined]) {
  test(`R12 Retry-After: ${header ?? "none"} makes no tight loop, and ends at the overall deadline`, async () => {
    const registry = await hostileRegistry(memoryImage(), {
      instead(_, response) {
        const value =
          header === undefined ? {} : { "retry-after": Buffer.from(header).toString("latin1") };
        response.writeHead(503, value).end();
        return true;
      },
    });
    const start = performance.now();
    const error = await refused(registry);
    const elapsed = performance.now() - start;
    expect(error.message).toContain("given up after");
    expect(elapsed).toBeGreaterThan(1000);
    expect(elapsed).toBeLessThan(AT_ONCE_MS);
    // 20, 40, 80, and then each 100 ms.
    expect(registry.seen.length).toBeLessThan(20);
  });
}

const silences: Readonly<Record<string, Switch>> = {
  "an answer that never comes": () => true,
  "headers that never end": (_, response) => {
    const socket = response.socket!;
    socket.write("HTTP/1.1 200 OK\r\nX-Long: ");
    const timer = setInterval(() => socket.write("x"), 50);
    socket.once("close", () => clearInterval(timer));
    return true;
  },
  "silence in mid-blob": (_, response) => {
    response.writeHead(200, { "content-length": bigBytes });
    response.write(big.layers[0]!.bytes.subarray(0, 5000));
    return true;
  },
  "one byte now and then": (_, response) => {
    response.writeHead(200, { "content-length": bigBytes });
    let at = 0;
    const timer = setInterval(() => {
      response.write(big.layers[0]!.bytes.subarray(at, ++at));
    }, 50);
    response.once("close", () => clearInterval(timer));
    return true;
  },
};

for (const [name, answer] of Object.entries(silences)) {
  test(`R13 ${name}: the idle time ends it, within a read as well`, async () => {
    const registry = await hostileRegistry(big, { instead: forLayer(big, answer) });
    const start = performance.now();
    const error = await refused(registry, { idleMs: 400, retry: { ...quick, overallMs: 0 } });
    expect(error.message).toContain("fallen silent");
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  });

  test(`R13 ${name}: an interruption ends it at once`, async () => {
    const registry = await hostileRegistry(big, { instead: forLayer(big, answer) });
    const abort = new AbortController();
    const pulling = refused(registry, { idleMs: 60_000, signal: abort.signal });
    while (layerRequests(registry, big) === 0) await sleep(10);
    await sleep(100);
    const start = performance.now();
    abort.abort(new WickError("INTERRUPTED", "Interrupted by SIGINT"));
    expect((await pulling).code).toBe("INTERRUPTED");
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  });
}

test("R13 an interruption ends a pause between attempts at once", async () => {
  const registry = await hostileRegistry(big, {
    instead(_, response) {
      response.writeHead(503, { "retry-after": "60" }).end();
      return true;
    },
  });
  const abort = new AbortController();
  const retry = { ...quick, overallMs: 120_000 };
  const pulling = refused(registry, { signal: abort.signal, retry });
  while (registry.seen.length === 0) await sleep(10);
  await sleep(50);
  const start = performance.now();
  abort.abort();
  expect((await pulling).code).toBe("INTERRUPTED");
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});

test("R14 a tag that moves during a pull: one digest is used, told and recorded", async () => {
  const first = memoryImage({ layerBytes: [1000] });
  const second = memoryImage({ layerBytes: [2000, 3000] });
  const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  const index = content(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [{ ...descriptor(first.manifest), platform }],
  });
  let tagged = 0;
  const registry = await hostileRegistry(first, {
    instead(request, response) {
      if (request.url.endsWith("/manifests/latest")) {
        send(response, tagged++ === 0 ? index : second.manifest, request);
        return true;
      }
      const known = [first, second].find(({ manifest, config, layers }) =>
        [manifest, config, ...layers].some(({ digest }) => request.url.endsWith(digest)),
      );
      if (known === undefined) return false;
      serveImage(known, request, response);
      return true;
    },
  });
  const directory = temporaryDirectory();
  const { image, store } = await pull(registry, { directory });
  expect(tagged).toBe(1);
  expect(image.digest).toBe(index.digest);
  expect(image.manifestDigest).toBe(first.manifest.digest);
  const [name] = store.names.list();
  expect(name!.manifestDigest).toBe(first.manifest.digest);
  const again = await pull(registry, { directory });
  expect(again.image.manifestDigest).toBe(first.manifest.digest);
  expect(tagged).toBe(1);
});

test("R14 a manifest asked for by digest must be it", async () => {
  const first = memoryImage({ layerBytes: [1000] });
  const second = memoryImage({ layerBytes: [2000] });
  const registry = await hostileRegistry(second);
  const directory = temporaryDirectory();
  const reference = `${registry.host}/app:1@${first.manifest.digest}`;
  const error = (await pullAll(reference, { directory }).catch((e: unknown) => e)) as WickError;
  expect(error.code).toBe("DIGEST_MISMATCH");
});

test("a name is recorded only when everything that it names is here (S2)", async () => {
  const image = memoryImage({ layerBytes: [1000, 2000] });
  const registry = await hostileRegistry(image, {
    instead: forLayer(image, (_, response) => {
      response.writeHead(404).end();
      return true;
    }),
  });
  const { directory } = await refused(registry);
  const { openStore } = await import("../../src/store/index.ts");
  expect(openStore({ directory: join(directory, "cache") }).names.list()).toEqual([]);
});

test("layers: three at once, the top one first, and one that fails ends the others", async () => {
  const image = memoryImage({ layerBytes: [100, 200, 300, 400, 500] });
  let now = 0;
  let most = 0;
  const order: number[] = [];
  const registry = await hostileRegistry(image, {
    async instead(request) {
      const index = image.layers.findIndex((layer) => isBlob(request, layer));
      if (index < 0) return false;
      order.push(index);
      most = Math.max(most, ++now);
      await sleep(100);
      now--;
      return false;
    },
  });
  await pull(registry);
  expect(most).toBe(3);
  expect(order.slice(0, 3).sort()).toEqual([2, 3, 4]);
  const failing = await hostileRegistry(image, {
    instead(request, response) {
      if (isBlob(request, image.layers[4]!)) return (void response.writeHead(404).end(), true);
      return image.layers.some((layer) => isBlob(request, layer));
    },
  });
  const start = performance.now();
  expect((await refused(failing, { idleMs: 60_000 })).code).toBe("SOURCE_NOT_FOUND");
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});
