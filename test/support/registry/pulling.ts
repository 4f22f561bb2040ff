/** For tests: pulls with short patience into a store of their own. */
import { join } from "node:path";
import { parseReference } from "../../../src/formats/oci/index.ts";
import type { AddressRules } from "../../../src/host/index.ts";
import {
  findKnownImage,
  ImageLayers,
  type KnownImage,
  type PullPolicy,
  RegistrySession,
  type RetryPolicy,
} from "../../../src/sources/registry/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";

export const quick: RetryPolicy = { firstPauseMs: 20, longestPauseMs: 100, overallMs: 1500 };

export interface PullOptions {
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly policy?: PullPolicy;
  readonly retry?: RetryPolicy;
  readonly idleMs?: number;
  readonly insecure?: readonly string[];
  readonly signal?: AbortSignal;
  readonly addresses?: AddressRules;
  readonly architecture?: "x86_64" | "aarch64";
}

export interface Pulled {
  readonly image: KnownImage;
  readonly paths: readonly string[];
  readonly notes: readonly string[];
  readonly store: Store;
  readonly missingBytes: number;
}

/** Pulls an image with all its layers. The home directory is `directory`/home. */
export async function pullAll(reference: string, options: PullOptions): Promise<Pulled> {
  const notes: string[] = [];
  const { directory, signal } = options;
  const store = openStore({ directory: join(directory, "cache") });
  let session: Promise<RegistrySession> | undefined;
  const opened = (): Promise<RegistrySession> =>
    (session ??= RegistrySession.open({
      environment: { HOME: join(directory, "home"), ...options.environment },
      insecure: options.insecure,
      signal,
      note: (message) => notes.push(message),
      idleMs: options.idleMs ?? 2000,
      policy: options.retry ?? quick,
      addresses: options.addresses,
    }));
  const find = {
    store,
    platform: {
      architecture: options.architecture ?? (process.arch === "arm64" ? "aarch64" : "x86_64"),
    },
    policy: options.policy ?? "missing",
    session: opened,
    signal,
  } as const;
  try {
    const image = await findKnownImage(parseReference(reference), find);
    const layers = new ImageLayers(image, find);
    const paths = await layers.all(signal);
    return { image, paths, notes, store, missingBytes: layers.missingBytes };
  } catch (error) {
    (error as { notes?: unknown }).notes = notes;
    throw error;
  } finally {
    if (session !== undefined) (await session)[Symbol.dispose]();
  }
}
