import { WickError } from "../../../errors/index.ts";
import type { Environment } from "../../../host/index.ts";
import type { Credentials } from "./credentials.ts";
import { type AuthEntry, type CredentialFile, credentialFiles } from "./files.ts";
import { askHelper } from "./helper.ts";
import { findKey, keyOf, meaningOf } from "./keys.ts";

/** Where credentials are looked for. */
export interface CredentialSearch {
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly helperLimitMs?: number | undefined;
}

/**
 * The credentials for a repository of `registry` (`docker.io`), as Docker and podman keep them:
 * in each file first its credHelpers, then its credsStore, then auths. Undefined: none.
 */
export async function findCredentials(
  registry: string,
  repository: string,
  search: CredentialSearch,
): Promise<Credentials | undefined> {
  for (const file of credentialFiles(search.environment)) {
    const found = await findInFile(file, registry, repository, search);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findInFile(
  file: CredentialFile,
  registry: string,
  repository: string,
  search: CredentialSearch,
): Promise<Credentials | undefined> {
  const { environment, signal, helperLimitMs: limitMs } = search;
  const helper = helperOf(file, registry);
  if (helper !== undefined) {
    const call = { helper, environment, signal, limitMs };
    return await askHelper(call, keyOf(registry));
  }
  const key = findKey(Object.keys(file.auths), registry, repository);
  return key === undefined ? undefined : fromEntry(file.auths[key]!, file.name);
}

/** The helper that a file names for a registry: its own before the one for all. */
export function helperOf(
  file: Pick<CredentialFile, "credHelpers" | "credsStore">,
  registry: string,
): string | undefined {
  const own = Object.entries(file.credHelpers).find(([key]) => {
    const { host, namespace } = meaningOf(key);
    return host === registry && namespace === "";
  });
  const helper = own?.[1] ?? file.credsStore;
  return helper === "" ? undefined : helper;
}

function fromEntry(entry: AuthEntry, name: string): Credentials | undefined {
  const { identitytoken, registrytoken, auth, username, password } = entry;
  if (identitytoken !== undefined && identitytoken !== "") {
    return { kind: "identity", token: identitytoken };
  }
  if (registrytoken !== undefined && registrytoken !== "") {
    return { kind: "bearer", token: registrytoken };
  }
  if (auth !== undefined && auth !== "") return fromAuth(auth, name);
  if (username === undefined || username === "") return undefined;
  return { kind: "basic", username, password: password ?? "" };
}

/** Base64 of `user:password`; the password may hold colons, and Docker's ends in NULs at times. */
function fromAuth(auth: string, name: string): Credentials {
  const pair = Buffer.from(auth, "base64").toString();
  const colon = pair.indexOf(":");
  if (colon > 0) {
    const password = pair.slice(colon + 1).replace(/\0+$/, "");
    return { kind: "basic", username: pair.slice(0, colon), password };
  }
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot read the credentials of ${name}: an "auth" is not the base64 of USER:PASSWORD`,
    { hint: "log in again: wick login HOST" },
  );
}
