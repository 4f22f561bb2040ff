import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { RegistryClient } from "./client.ts";
import { forgetCredentials, type Kept, keepCredentials } from "./credentials/index.ts";
import { endpointOf } from "./endpoint.ts";
import { retrying } from "./retry.ts";
import { type RegistryOptions, RegistrySession } from "./session.ts";

/** A user and password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Shows a user and password to a registry and, when it takes them, keeps them where Docker would. */
export async function logIn(host: string, login: Login, options: RegistryOptions): Promise<Kept> {
  const registry = registryName(host);
  using session = await RegistrySession.open(options);
  const endpoint = endpointOf(registry, session.settings, options.insecure);
  const client = new RegistryClient(session.http, endpoint, () =>
    Promise.resolve({ kind: "basic", ...login }),
  );
  const how = {
    policy: session.policy,
    signal: options.signal,
    note: (message: string) => session.note(message),
    isKnown: () => client.isKnown,
  };
  await retrying(how, () => check(client, options.signal));
  return await keepCredentials(registry, login, options);
}

/** Forgets what is kept for a registry; undefined: nothing was. */
export function logOut(
  host: string,
  options: Pick<RegistryOptions, "environment" | "signal">,
): Promise<Kept | undefined> {
  return forgetCredentials(registryName(host), options);
}

async function check(client: RegistryClient, signal: AbortSignal | undefined): Promise<void> {
  const host = sanitise(client.endpoint.host);
  const request = { path: "/v2/", action: `log in to ${host}`, signal };
  const response = await client.get(request).catch((error: unknown) => {
    throw refusal(error, client);
  });
  response.body.discard();
  const { withheldFrom } = client;
  if (withheldFrom === undefined) return;
  // It let in somebody without a name, which says nothing of the password.
  const other = sanitise(withheldFrom);
  throw new WickError(
    "UNAUTHORIZED",
    `Cannot log in to ${host}: it sends passwords to the token service ${other}, which is neither ${host} nor listed`,
    { hint: `if ${other} belongs to ${host}, list it below token-hosts in registries.yaml` },
  );
}

/** What a login is refused for, where the password was shown, is the user or the password. */
function refusal(error: unknown, { withheldFrom }: RegistryClient): unknown {
  if (!isWickError(error, "UNAUTHORIZED") || withheldFrom !== undefined) return error;
  const hint = "is the user or the password wrong? Some registries want a token in its place";
  return new WickError(error.code, error.message, { hint, cause: error });
}

/** `HOST[:PORT]` as references have it; a scheme and a path, which people paste, are dropped. */
function registryName(text: string): string {
  const host = text
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
  if (!/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:\d{1,5})?$/.test(host)) {
    throw new WickError(
      "USAGE",
      `Cannot log in to "${sanitise(text)}": it is no host, wanted HOST or HOST:PORT`,
      {
        hint: "wick login ghcr.io",
      },
    );
  }
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}
