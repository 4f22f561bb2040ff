import * as v from "valibot";
import { archOf, parseOptions } from "../config/index.ts";
import { sanitise } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { platformName, showReference } from "../formats/oci/index.ts";
import { hostArch, wickDirectories } from "../host/index.ts";
import { type PulledImage, pullImage, type RegistrySourceOptions } from "../sources/index.ts";
import { openStore } from "../store/index.ts";
import type { Context } from "./common/context.ts";
import { downloadStep } from "./common/downloading.ts";
import { runStep } from "./common/progress.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** `nginx:alpine`, `ghcr.io/owner/app@sha256:…`. */
  reference: text,
  /** `linux/amd64`, `linux/arm64`. */
  platform: v.optional(v.string()),
  insecure: v.optional(v.array(text)),
});

/** What `pull` is asked for. */
export type PullOptions = v.InferInput<typeof schema>;

export interface PullResult {
  /** Complete: `docker.io/library/nginx:alpine`. */
  readonly reference: string;
  /** Of what the name stands for: the index where there is one. */
  readonly digest: string;
  /** Of the manifest for the platform. */
  readonly manifestDigest: string;
  readonly platform: string;
  readonly layers: number;
  /** Of all layers, compressed as they are. */
  readonly sizeBytes: number;
  readonly downloadedBytes: number;
  /** It stood for something else here before, or for nothing. */
  readonly isNewer: boolean;
}

/** Brings an image into the store; asks the registry even for what is here. */
export async function pull(options: PullOptions, context: Context): Promise<PullResult> {
  const { reference, platform, insecure } = parseOptions(schema, options, "pull");
  const { environment, signal } = context;
  const architecture = archOf(platform, { environment, arch: hostArch() });
  const store = openStore({ directory: wickDirectories(environment).cache });
  const lock = await store.use(signal);
  try {
    const source = { environment, store, architecture, insecure: insecure?.map(lowerCase) };
    return resultOf(await pulled(reference, source, context), architecture);
  } catch (error) {
    if (isWickError(error, "DISK_FULL")) await store.giveBack(lock);
    throw error;
  } finally {
    lock[Symbol.dispose]();
  }
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

function pulled(
  reference: string,
  source: RegistrySourceOptions,
  context: Context,
): Promise<PulledImage> {
  const shown = sanitise(reference);
  const names = { step: `pull ${shown}`, title: `Pull ${shown}` };
  const download = { step: `download ${shown}`, title: `Download ${shown}` };
  return runStep(context.onEvent, names, async (step) => {
    const options = {
      ...source,
      pull: "always",
      onNote: (message: string) => context.onEvent({ type: "note", message }),
      onDownload: downloadStep(context.onEvent, download),
    } as const;
    const result = await pullImage(reference.replace(/^docker:/, ""), options, context.signal);
    const { layers } = result.known.manifest;
    step.detail(layers.length === 1 ? "1 layer" : `${layers.length} layers`);
    return result;
  });
}

function resultOf(
  { known, downloadedBytes, isNewer }: PulledImage,
  architecture: RegistrySourceOptions["architecture"],
): PullResult {
  return {
    reference: showReference(known.reference),
    digest: known.digest,
    manifestDigest: known.manifestDigest,
    platform: platformName({ architecture }),
    layers: known.manifest.layers.length,
    sizeBytes: known.manifest.layers.reduce((sum, { size }) => sum + size, 0),
    downloadedBytes,
    isNewer,
  };
}
