import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { utf8 } from "../bytes/index.ts";
import { isDigest, type Digest } from "../formats/oci/index.ts";
import { listDirectory, publish, readSmallFile, removePath, statOf } from "../host/index.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";

/** What a registry's name stood for when it was last asked. */
export interface StoredName {
  /** Canonical, as `docker.io/library/nginx:alpine`. */
  readonly reference: string;
  /** As `linux/amd64`. */
  readonly platform: string;
  /** Of the manifest of that platform. */
  readonly manifestDigest: Digest;
  /** Of the manifest, in bytes. */
  readonly manifestSize: number;
  /** When the registry said so: seconds since 1970. */
  readonly at: number;
}

const schema = v.strictObject({
  wick: v.literal(1),
  reference: v.string(),
  platform: v.string(),
  manifestDigest: v.custom<Digest>((value) => typeof value === "string" && isDigest(value)),
  manifestSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

const NAME_FILE_MAX_BYTES = 1 << 16;

/** What tags resolved to, a small file each: written whole after everything that it names. */
export class NameStore {
  readonly #layout: StoreLayout;
  readonly #undoings: (() => Promise<void>)[] = [];

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** What `reference` stood for; undefined when it was never resolved, or its record is damaged. */
  get(reference: string, platform: string): StoredName | undefined {
    const found = this.#readFile(this.#pathOf(reference, platform));
    return found?.reference === reference && found.platform === platform ? found : undefined;
  }

  /**
   * Records what a registry said. An archive's claim to a name is none (S11): nobody but the
   * registry that the name belongs to may rebind it.
   */
  async set(name: StoredName): Promise<void> {
    ownDirectory(this.#layout.names);
    const { reference, platform, manifestDigest, manifestSize, at } = name;
    const record = { wick: 1, reference, platform, manifestDigest, manifestSize, at };
    const bytes = utf8(`${JSON.stringify(record)}\n`);
    const path = this.#pathOf(reference, platform);
    const former = this.get(reference, platform);
    await publish(path, (storage) => storage.writeAt(bytes, 0), { mode: 0o600 });
    this.#undoings.push(() => this.#restore(name, former));
  }

  /** Takes back what was set through this object: what the names stand for is to go again. */
  async undo(): Promise<void> {
    for (const undo of this.#undoings.splice(0).reverse()) await undo();
  }

  async #restore({ reference, platform }: StoredName, former?: StoredName): Promise<void> {
    this.remove(reference, platform);
    if (former !== undefined) await this.set(former);
  }

  /** All of them, by reference and platform; damaged records are left out. */
  list(): readonly StoredName[] {
    return this.#files()
      .flatMap((path) => this.#readFile(path) ?? [])
      .sort((a, b) => compare(a.reference, b.reference) || compare(a.platform, b.platform));
  }

  /** Files that hold no name that could be read. */
  damaged(): readonly string[] {
    return this.#files().filter((path) => this.#readFile(path) === undefined);
  }

  remove(reference: string, platform: string): void {
    removePath(this.#pathOf(reference, platform));
  }

  #files(): string[] {
    return listDirectory(this.#layout.names)
      .filter(({ name }) => /^[0-9a-f]{64}\.json$/.test(name))
      .map(({ name }) => join(this.#layout.names, name));
  }

  #readFile(path: string): StoredName | undefined {
    if (statOf(path) === undefined) return undefined;
    const text = Buffer.from(readSmallFile(path, NAME_FILE_MAX_BYTES)).toString();
    const result = v.safeParse(schema, parsedJson(text));
    if (!result.success) return undefined;
    const { wick: _, ...name } = result.output;
    return name;
  }

  #pathOf(reference: string, platform: string): string {
    const key = createHash("sha256").update(`${reference}\n${platform}`).digest("hex");
    return join(this.#layout.names, `${key}.json`);
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
