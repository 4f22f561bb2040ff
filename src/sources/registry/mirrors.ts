import { isWickError } from "../../errors/index.ts";
import { throwIfAborted } from "../../host/index.ts";
import type { RegistryClient } from "./client.ts";
import { retrying } from "./retry.ts";
import type { RegistrySession } from "./session.ts";

/** What is asked of one server, and how its progress is seen. */
export interface Attempt<T> {
  readonly ask: (client: RegistryClient) => Promise<T>;
  readonly progress?: () => number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks each server in turn. A mirror that fails in any way is passed over with a note; the
 * registry itself, the last, is tried again until the policy's time is over.
 */
export async function askInTurn<T>(
  session: RegistrySession,
  clients: readonly RegistryClient[],
  { ask, progress, signal = session.signal }: Attempt<T>,
): Promise<T> {
  for (const mirror of clients.slice(0, -1)) {
    try {
      return await ask(mirror);
    } catch (error) {
      throwIfAborted(signal);
      // A full disk is not the mirror's.
      if (!isOfTheMirror(error)) throw error;
      session.note(`mirror ${mirror.endpoint.host} passed over: ${(error as Error).message}`);
    }
  }
  const client = clients.at(-1)!;
  const how = {
    policy: session.policy,
    signal,
    note: (message: string) => session.note(message),
    isKnown: () => client.isKnown,
    ...(progress === undefined ? {} : { progress }),
  };
  return await retrying(how, () => ask(client));
}

function isOfTheMirror(error: unknown): boolean {
  return isWickError(
    error,
    "REGISTRY_FAILED",
    "UNAUTHORIZED",
    "SOURCE_NOT_FOUND",
    "DIGEST_MISMATCH",
    "IMAGE_INVALID",
    "TOOL_FAILED",
    "TOOL_MISSING",
  );
}
