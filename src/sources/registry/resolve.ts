import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { type Descriptor, type ImageReference, showReference } from "../../formats/oci/index.ts";
import { fetchDocument, type FetchedDocument } from "./manifest.ts";
import { askInTurn } from "./mirrors.ts";
import type { RegistrySession } from "./session.ts";
import { unreachable } from "./unreachable.ts";

/** What a name stands for: an index or a manifest. */
export interface FirstDocument {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
}

/** Asks what a name stands for, once; from then on everything goes by digest (R14). */
export async function fetchFirst(
  session: RegistrySession,
  reference: ImageReference,
): Promise<FirstDocument> {
  const tagOrDigest = reference.digest ?? reference.tag ?? "latest";
  const { bytes, digest, mediaType } = await fetchAny(session, reference, { tagOrDigest });
  return { bytes, descriptor: { digest, size: bytes.length, mediaType } };
}

/** The bytes of an index or manifest that another document names. */
export async function fetchByDigest(
  session: RegistrySession,
  reference: ImageReference,
  { digest, size, mediaType }: Descriptor,
): Promise<Uint8Array> {
  const wanted = { tagOrDigest: digest, size, mediaType };
  return (await fetchAny(session, reference, wanted)).bytes;
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
    throw isWickError(error, "SOURCE_NOT_FOUND", "UNAUTHORIZED")
      ? withHint(error, reference)
      : unreachable(error, `pull ${name}`);
  }
}

/** What to look at when a registry does not know a name, or does not say whether it does. */
function withHint(error: WickError, { registry, repository, tag }: ImageReference): WickError {
  const hints: string[] = [];
  const host = sanitise(registry);
  if (error.code === "UNAUTHORIZED") hints.push(error.hint ?? `wick login ${host}`);
  else if (registry !== "docker.io") {
    const what = tag === undefined ? "the name" : `the name and the tag ${sanitise(tag)}`;
    hints.push(`is ${what} right? a private one may need: wick login ${host}`);
  }
  // A bare word was read as an image of Docker Hub: it may have been meant as something else.
  const word = registry === "docker.io" ? /^library\/(.*)/.exec(repository)?.[1] : undefined;
  if (word !== undefined) {
    hints.push(`is the name right? a Debian package is deb:${word}, a file ./${word}`);
  } else if (registry === "docker.io") hints.push("is the name right?");
  return new WickError(error.code, error.message, { hint: hints.join("; "), cause: error });
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
