import { dirname, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { sanitise } from "../../../bytes/index.ts";
import { WickError } from "../../../errors/index.ts";
import { type Environment, readSmallFile, statOf } from "../../../host/index.ts";

/** One file of credentials: Docker's config.json, or containers' auth.json of the same form. */
export interface CredentialFile {
  /** For messages, sanitised. */
  readonly name: string;
  readonly auths: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore?: string | undefined;
}

const text = v.optional(v.string());
const authEntry = v.object({
  auth: text,
  username: text,
  password: text,
  identitytoken: text,
  registrytoken: text,
});

/** What stands below `auths`; Docker leaves it empty where a helper keeps the secret. */
export type AuthEntry = v.InferOutput<typeof authEntry>;

const schema = v.object({
  auths: v.optional(v.record(v.string(), authEntry), {}),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: text,
});

const FILE_MAX_BYTES = 1 << 20;

/** Docker's own file, where `login` writes: $DOCKER_CONFIG/config.json, ~/.docker/config.json. */
export function dockerConfigFile(environment: Environment): string | undefined {
  const directory = environment["DOCKER_CONFIG"];
  if (directory !== undefined && directory !== "") return join(directory, "config.json");
  const home = environment["HOME"];
  return home === undefined || !isAbsolute(home) ? undefined : join(home, ".docker/config.json");
}

/** Every file that may hold credentials, Docker's first, then podman's. */
export function* credentialFiles(environment: Environment): Generator<CredentialFile> {
  const inline = environment["DOCKER_AUTH_CONFIG"];
  if (inline !== undefined && inline !== "") yield parse(inline, "DOCKER_AUTH_CONFIG");
  for (const path of filePaths(environment)) {
    if (statOf(path)?.isFile() !== true) continue;
    yield parse(new TextDecoder().decode(readSmallFile(path, FILE_MAX_BYTES)), path);
  }
}

function filePaths(environment: Environment): string[] {
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME } = environment;
  const config = XDG_CONFIG_HOME ?? (HOME === undefined ? undefined : join(HOME, ".config"));
  const containers = [XDG_RUNTIME_DIR, config].map((directory) =>
    directory === undefined ? undefined : join(directory, "containers/auth.json"),
  );
  const all = [dockerConfigFile(environment), REGISTRY_AUTH_FILE, ...containers];
  return all.filter((path): path is string => path !== undefined && isAbsolute(path));
}

/** Reads a file's text; CONFIG_INVALID, without quoting it: it holds secrets. */
export function parse(contents: string, name: string): CredentialFile {
  const result = v.safeParse(schema, contents.trim() === "" ? {} : parseJson(contents, name));
  if (result.success) return { name: sanitise(name), ...result.output };
  const where = result.issues.map((issue) => issue.path?.[0]?.key as string | undefined);
  throw unreadable(name, `its key "${sanitise(where[0] ?? "")}" is not what Docker writes`);
}

/** The file's whole JSON object. */
export function parseJson(contents: string, name: string): Record<string, unknown> {
  let data: unknown;
  try {
    data = JSON.parse(contents);
  } catch {
    // The parser's own message quotes the text.
    throw unreadable(name, "it is no JSON");
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) {
    return data as Record<string, unknown>;
  }
  throw unreadable(name, "it is no JSON object");
}

function unreadable(name: string, why: string): WickError {
  return new WickError(
    "CONFIG_INVALID",
    `Cannot read the credentials of ${sanitise(name)}: ${why}`,
    {
      hint: `repair or remove the file (in ${sanitise(dirname(name))})`,
    },
  );
}
