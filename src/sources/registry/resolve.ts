import { sanitise } from "../../bytes/index.ts";
import { type ErrorCode, isWickError, WickError } from "../../errors/index.ts";
import {
  choosePlatform,
  type Descriptor,
  type Digest,
  type ImageManifest,
  type ImageReference,
  showReference,
  type WantedPlatform,
} from "../../formats/oci/index.ts";
import { fetchDocument, type FetchedDocument } from "./manifest.ts";
import { askInTurn } from "./mirrors.ts";
import type { RegistrySession } from "./session.ts";

/** What a reference stands for now. */
export interface Resolved {
  /** Of what the tag names: the index where there is one. */
  readonly digest: Digest;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array;
  readonly manifest: ImageManifest;
}

/** An index may hold indexes; those hold manifests (R8). */
const INDEX_LEVELS_MAX = 2;

/** Asks the registry what `reference` stands for on a platform: one tag look-up, then digests. */
export async function resolveReference(
  session: RegistrySession,
  reference: ImageReference,
  platform: WantedPlatform,
): Promise<Resolved> {
  const { repository } = reference;
  const name = sanitise(showReference(reference));
  const first = await fetchAny(session, reference, {
    tagOrDigest: reference.digest ?? reference.tag ?? "latest",
  });
  let current = first;
  for (let level = 0; current.document.kind === "index"; level++) {
    if (level === INDEX_LEVELS_MAX) throw tooDeep(name);
    const descriptor = choosePlatform(current.document, platform, name);
    refuseForeign(descriptor, name);
    current = await fetchAny(session, { ...reference, repository }, { ...asWanted(descriptor) });
  }
  const { digest: manifestDigest, bytes: manifestBytes, document: manifest } = current;
  for (const layer of [manifest.config, ...manifest.layers]) refuseForeign(layer, name);
  return { digest: first.digest, manifestDigest, manifestBytes, manifest };
}

function asWanted({ digest, size, mediaType }: Descriptor) {
  return { tagOrDigest: digest, size, mediaType };
}

async function fetchAny(
  session: RegistrySession,
  reference: ImageReference,
  document: { readonly tagOrDigest: string; readonly size?: number; readonly mediaType?: string },
): Promise<FetchedDocument> {
  const { registry, repository } = reference;
  const name = sanitise(showReference(reference));
  const { signal } = session;
  try {
    return await askInTurn(session, session.clientsFor(registry, repository), {
      ask: (client) => fetchDocument(client, { repository, name, signal, ...document }),
    });
  } catch (error) {
    throw isWickError(error, "SOURCE_NOT_FOUND") ? notFound(error, reference) : error;
  }
}

/** What to look at when a registry does not know a name. */
function notFound(error: WickError, { registry, repository, tag }: ImageReference): WickError {
  const host = sanitise(registry);
  const isHub = registry === "docker.io";
  const hint = isHub
    ? `is the name right? see https://hub.docker.com/r/${repository.replace(/^library\//, "_/")}`
    : `are the name and the tag ${sanitise(tag ?? "")} right? a private one may need: wick login ${host}`;
  const code: ErrorCode = "SOURCE_NOT_FOUND";
  return new WickError(code, error.message, { hint, cause: error });
}

/** Content that is kept elsewhere (R5, CVE-2020-15157): no other host is contacted for it. */
export function refuseForeign({ urls, digest }: Descriptor, name: string): void {
  const [url] = urls ?? [];
  if (url === undefined) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot pull ${name}: its part ${digest} is to come from ${sanitise(url.slice(0, 200))}, wanted it in the registry`,
    { hint: "push the image again with its layers: Docker calls those nondistributable artifacts" },
  );
}

function tooDeep(name: string): WickError {
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot pull ${name}: an index within an index within an index, wanted at most ${INDEX_LEVELS_MAX} levels`,
  );
}
