import type { IncomingMessage } from "node:http";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { hostError } from "./host-error.ts";

/** One request to a program that serves its API on a Unix socket. */
export interface SocketRequest {
  readonly method: "GET" | "PUT" | "PATCH";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

/** Its answer, whole. */
export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/** More than any answer of such an API needs, in bytes. */
const ANSWER_BYTES = 1 << 20;

/**
 * Sends one request over a connection of its own and reads the answer to its end.
 * Errors as the machine says them; VMM_FAILED for an answer without an end, INTERRUPTED when
 * `signal` fires.
 */
export async function requestOverSocket(
  socketPath: string,
  request: SocketRequest,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  throwIfAborted(signal);
  const action = `send ${request.method} ${sanitise(request.path)} to ${sanitise(socketPath)}`;
  // Loaded here: few commands need it. The bundled command cannot import what is not beside it.
  const http = process.getBuiltinModule("node:http");
  try {
    checkFault("connect", socketPath);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const body = request.body === undefined ? undefined : JSON.stringify(request.body);
      const { method, path } = request;
      const headers = headersFor(body);
      const sent = http.request(
        { socketPath, method, path, headers, agent: false, signal },
        resolve,
      );
      sent.on("error", reject);
      sent.end(body);
    });
    return { status: answer.statusCode ?? 0, text: await textOf(answer, action) };
  } catch (error) {
    throwIfAborted(signal);
    throw hostError(error, action);
  }
}

function headersFor(body: string | undefined): Record<string, string | number> {
  const all = { host: "localhost", accept: "application/json" };
  if (body === undefined) return all;
  const length = Buffer.byteLength(body);
  return { ...all, "content-type": "application/json", "content-length": length };
}

async function textOf(answer: IncomingMessage, action: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) {
      answer.destroy();
      throw new WickError(
        "VMM_FAILED",
        `Cannot ${action}: the answer has more than ${ANSWER_BYTES} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
