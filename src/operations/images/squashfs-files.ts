import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { pipeThroughTool } from "../../host/index.ts";

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
  const options = { purpose, signal, failure: "IMAGE_INVALID" } as const;
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

function isMissing({ detail }: WickError): boolean {
  return detail.some((line) => /^cat: (no matches for|\S+ is a directory)/.test(line));
}

function tooLong(purpose: string, limitBytes: number): WickError {
  return new WickError("IMAGE_LIMIT", `Cannot ${purpose}: wanted at most ${limitBytes} bytes`);
}
