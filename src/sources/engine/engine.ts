import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  type EngineAddress,
  type EngineAnswer,
  type Environment,
  getFromEngine,
  showEngine,
} from "../../host/index.ts";
import type { Source, SourceContents } from "../source.ts";
import { type EngineKind, engines, findEngine } from "./address.ts";

/** An image of an engine. */
export interface EngineImage {
  readonly kind: EngineKind;
  /** A name or an id, as the engine knows it. */
  readonly name: string;
  readonly reference: string;
}

/** What an engine's source needs of its surroundings. */
export interface EngineOptions {
  readonly environment: Environment;
  /** Opens the archive that the engine gives, whose bytes may be read once. */
  readonly openArchive: (
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ) => Promise<SourceContents>;
}

/** Bytes of an error's body that are read. */
const BODY_MAX = 4096;

/** An image of Docker's or podman's own store, exported over the API's socket. */
export function engineSource(image: EngineImage, options: EngineOptions): Source {
  const { name, reference } = image;
  return {
    reference,
    async open(signal) {
      const { environment, openArchive } = options;
      const address = addressFor(image, environment);
      const path = `/images/${name.split("/").map(encodeURIComponent).join("/")}/get`;
      const answer = await ask(address, path, { image, signal });
      if (answer.status !== 200) throw await refused(image, address, answer);
      return openArchive(answer.chunks, signal);
    },
  };
}

async function ask(
  address: EngineAddress,
  path: string,
  { image, signal }: { image: EngineImage; signal: AbortSignal | undefined },
): Promise<EngineAnswer> {
  try {
    return await getFromEngine(address, path, signal);
  } catch (error) {
    if (!isWickError(error) || error.code === "INTERRUPTED") throw error;
    const { name, start } = engines[image.kind];
    const hint = isWickError(error, "PERMISSION")
      ? `your user may not use ${name}'s socket: join its group, or run as its owner`
      : `is ${name} running? Start it: ${start}`;
    throw new WickError("REGISTRY_FAILED", about(image, error), { cause: error, hint });
  }
}

/** Where the engine is; an error of it names the image that is wanted there. */
function addressFor(image: EngineImage, environment: Environment): EngineAddress {
  try {
    return findEngine(image.kind, environment);
  } catch (cause) {
    if (!isWickError(cause)) throw cause;
    const { code, hint } = cause;
    throw new WickError(code, about(image, cause), {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function about({ reference }: EngineImage, error: WickError): string {
  return `Cannot use ${sanitise(reference)}: ${error.message.replace(/^C/, "c")}`;
}

async function refused(
  { kind, reference }: EngineImage,
  address: EngineAddress,
  answer: EngineAnswer,
): Promise<WickError> {
  const said = await whatItSays(answer);
  const where = `${engines[kind].name} at ${showEngine(address)}`;
  const shown = sanitise(reference);
  if (answer.status === 404) {
    return new WickError("SOURCE_NOT_FOUND", `Cannot use ${shown}: ${where} has no such image`, {
      hint: `see ${engines[kind].list}`,
    });
  }
  const message = `Cannot use ${shown}: ${where} answers ${answer.status}${said}`;
  return new WickError("REGISTRY_FAILED", message);
}

/** `{"message": …}` of the API's errors, cut off where it is long. */
async function whatItSays({ chunks }: EngineAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length > BODY_MAX) break;
  }
  const text = Buffer.concat(parts).subarray(0, BODY_MAX).toString();
  const said = /"(?:message|cause)"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(text)?.[1] ?? "";
  return said === "" ? "" : `, "${sanitise(said.slice(0, 300))}"`;
}
