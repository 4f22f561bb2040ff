import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { pipeThroughTool } from "../../host/index.ts";

/** The code where unsquashfs refuses the image. */
const failure = "IMAGE_INVALID";

/**
 * A file of a squashfs by unsquashfs; undefined when there is none (links are not followed),
 * IMAGE_LIMIT when it is longer than `limitBytes`, IMAGE_INVALID when the image is damaged.
 */
export async function squashfsFile(
  image: string,
  path: string,
  {
    limitBytes,
    signal,
  }: { readonly limitBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  const purpose = `read ${path} of ${sanitise(image)}`;
  const options = { purpose, signal, failure } as const;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of pipeThroughTool("unsquashfs", ["-cat", image, path], options)) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) throw tooLong(purpose, limitBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (isWickError(error, "IMAGE_INVALID") && isMissing(error)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

/** The first bytes of a file of a squashfs; undefined when there is none. */
export async function squashfsHead(
  image: string,
  path: string,
  { sizeBytes, signal }: { readonly sizeBytes: number; readonly signal: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  const options = { purpose: `read ${path} of ${sanitise(image)}`, signal, failure } as const;
  const chunks: Uint8Array[] = [];
  let gotBytes = 0;
  try {
    for await (const chunk of pipeThroughTool("unsquashfs", ["-cat", image, path], options)) {
      chunks.push(chunk);
      gotBytes += chunk.length;
      if (gotBytes >= sizeBytes) break;
    }
  } catch (error) {
    if (isWickError(error, "IMAGE_INVALID") && isMissing(error)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks).subarray(0, sizeBytes);
}

/** Where the symlinks of a squashfs lead, by their paths without a leading `/`. */
export async function squashfsLinks(
  image: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const options = { purpose: `list ${sanitise(image)}`, signal, failure } as const;
  const links = new Map<string, string>();
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of pipeThroughTool("unsquashfs", ["-lln", image], options)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) addLink(links, line);
  }
  return links;
}

/** A line as `lrwxrwxrwx 0/0  8 1970-01-01 00:00 squashfs-root/sbin -> usr/sbin`. */
function addLink(links: Map<string, string>, line: string): void {
  const [, path, target] = /^l.*? squashfs-root\/(.+?) -> (.+)$/.exec(line) ?? [];
  if (path !== undefined && target !== undefined) links.set(path, target);
}

function isMissing({ detail }: WickError): boolean {
  return detail.some((line) => /^cat: (no matches for|\S+ is a directory)/.test(line));
}

function tooLong(purpose: string, limitBytes: number): WickError {
  return new WickError("IMAGE_LIMIT", `Cannot ${purpose}: wanted at most ${limitBytes} bytes`);
}
