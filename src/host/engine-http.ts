import type { IncomingMessage } from "node:http";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { hostError } from "./host-error.ts";

/** Where an engine's API is served, without TLS. */
export type EngineAddress =
  { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** An engine's answer; `chunks` is to be read to its end or given up. */
export interface EngineAnswer {
  readonly status: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** An engine packs an image before it answers: minutes, where it is large. */
const IDLE_MS = 300_000;

/** `unix:///run/x.sock` or `tcp://host:port`: as DOCKER_HOST has it; safe to print. */
export function showEngine(address: EngineAddress): string {
  const text =
    "socketPath" in address
      ? `unix://${address.socketPath}`
      : `tcp://${address.host}:${address.port}`;
  return sanitise(text);
}

/** GET of `path`; fails as the machine says it, INTERRUPTED when `signal` fires. */
export async function getFromEngine(
  address: EngineAddress,
  path: string,
  signal?: AbortSignal,
): Promise<EngineAnswer> {
  throwIfAborted(signal);
  const action = `ask the engine at ${showEngine(address)}`;
  // Loaded here: few commands need it. The bundled command cannot import what is not beside it.
  const { request } = process.getBuiltinModule("node:http");
  try {
    if ("socketPath" in address) checkFault("connect", address.socketPath);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { host: "engine", "user-agent": "wick" };
      const options = { ...address, path, headers, agent: false, ...(signal && { signal }) };
      const sent = request(options, resolve);
      sent.setTimeout(IDLE_MS, () => sent.destroy(silent(action)));
      sent.on("error", reject);
      sent.end();
    });
    return { status: answer.statusCode ?? 0, chunks: chunksOf(answer, action, signal) };
  } catch (error) {
    throwIfAborted(signal);
    throw hostError(error, action);
  }
}

async function* chunksOf(
  answer: IncomingMessage,
  action: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* answer as AsyncIterable<Uint8Array>;
  } catch (error) {
    throwIfAborted(signal);
    throw hostError(error, action);
  } finally {
    answer.destroy();
  }
}

function silent(action: string): WickError {
  return new WickError("REGISTRY_FAILED", `Cannot ${action}: it is silent for ${IDLE_MS / 1000} s`);
}
