import { setTimeout as sleep } from "node:timers/promises";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  requestOverSocket,
  socketListens,
  type Deadline,
  type SocketAnswer,
  type SocketRequest,
} from "../../host/index.ts";

/** Firecracker says nothing when it begins to listen; it takes some 10 ms. */
const RETRY_MS = 5;

/** Bytes of a refusal that are shown. */
const FAULT_CHARACTERS = 1000;

/** Firecracker refused a request: its words, for {@link startError} to understand. */
export class Refusal extends Error {
  readonly request: SocketRequest;

  constructor(request: SocketRequest, words: string) {
    super(words);
    this.request = request;
  }
}

/** Firecracker's API on its socket, all of it within one deadline. */
export class FirecrackerApi {
  readonly #socket: string;
  readonly #deadline: Deadline;

  constructor(socket: string, deadline: Deadline) {
    this.#socket = socket;
    this.#deadline = deadline;
  }

  /** Resolves once Firecracker listens. */
  async listens(): Promise<void> {
    const given = new AbortController();
    try {
      await this.#deadline.within(this.#poll(given.signal), "API socket of Firecracker");
    } finally {
      given.abort();
    }
  }

  /** The body of a successful answer; a {@link Refusal} for any other. */
  async send(request: SocketRequest): Promise<string> {
    const given = new AbortController();
    try {
      const answer = await this.#deadline.within(
        requestOverSocket(this.#socket, request, given.signal),
        `answer of Firecracker to ${request.method} ${request.path}`,
      );
      if (answer.status >= 200 && answer.status < 300) return answer.text;
      throw new Refusal(request, faultOf(answer));
    } finally {
      given.abort();
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await socketListens(this.#socket))) await sleep(RETRY_MS);
  }
}

/** `{"fault_message": …}`, as everything but a success brings it. */
function faultOf({ status, text }: SocketAnswer): string {
  const parsed = parsedOr(text) as { fault_message?: unknown } | undefined | null;
  const words = parsed?.fault_message;
  const shown = typeof words === "string" ? words : `status ${status}`;
  return sanitise(shown.replaceAll(/\s+/g, " ").slice(0, FAULT_CHARACTERS).trim());
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `firecracker_version` of GET /version. */
export function versionIn(text: string): string {
  const version = (parsedOr(text) as { firecracker_version?: unknown } | undefined | null)
    ?.firecracker_version;
  if (typeof version === "string" && /^\d+\.\d+/.test(version)) return version;
  throw new WickError(
    "VMM_FAILED",
    `Cannot start the machine: Firecracker tells its version as "${sanitise(text.slice(0, 100))}"`,
  );
}
