import { dirname } from "node:path";
import { utf8 } from "../../../bytes/index.ts";
import { WickError } from "../../../errors/index.ts";
import {
  type Environment,
  makePrivateDirectory,
  publish,
  readSmallFile,
  statOf,
} from "../../../host/index.ts";
import { type CredentialFile, dockerConfigFile, parse, parseJson } from "./files.ts";
import { helperOf } from "./find.ts";
import { eraseFromHelper, tellHelper } from "./helper.ts";
import { keyOf, meaningOf } from "./keys.ts";

/** Where credentials went, or went from. */
export type Kept = { readonly file: string } | { readonly helper: string };

/** Who is asked, and by when it must have answered. */
export interface Keeping {
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Keeps a user and password where Docker would: in the helper that its config names, else in
 * the config itself (0600), whose other keys stay. A helper that fails is an error: nothing is
 * then written in clear text (R16).
 */
export async function keepCredentials(
  registry: string,
  pair: { readonly username: string; readonly password: string },
  { environment, signal }: Keeping,
): Promise<Kept> {
  const { path, contents, file } = readConfig(environment);
  const helper = helperOf(file, registry);
  const key = keyOf(registry);
  if (helper !== undefined) {
    await tellHelper({ helper, environment, signal }, key, pair);
    await writeAuth(path, contents, { key, entry: {} });
    return { helper };
  }
  const auth = Buffer.from(`${pair.username}:${pair.password}`).toString("base64");
  await writeAuth(path, contents, { key, entry: { auth } });
  return { file: path };
}

/** Forgets what Docker's config and helper keep for a registry; undefined: nothing was there. */
export async function forgetCredentials(
  registry: string,
  { environment, signal }: Keeping,
): Promise<Kept | undefined> {
  const { path, file } = readConfig(environment);
  const keys = Object.keys(file.auths).filter((key) => {
    const { host, namespace } = meaningOf(key);
    return host === registry && namespace === "";
  });
  const helper = helperOf(file, registry);
  if (helper !== undefined) {
    const call = { helper, environment, signal };
    for (const key of keys.length === 0 ? [keyOf(registry)] : keys)
      await eraseFromHelper(call, key);
  }
  for (const key of keys) await writeAuth(path, readContents(path), { key, entry: undefined });
  if (helper !== undefined) return { helper };
  return keys.length === 0 ? undefined : { file: path };
}

interface Config {
  readonly path: string;
  readonly contents: string;
  readonly file: CredentialFile;
}

function readConfig(environment: Environment): Config {
  const path = dockerConfigFile(environment);
  if (path === undefined) {
    throw new WickError("CONFIG_INVALID", "Cannot tell where credentials belong: HOME is not set", {
      hint: "set HOME, or DOCKER_CONFIG to a directory of yours",
    });
  }
  const contents = readContents(path);
  return { path, contents, file: parse(contents, path) };
}

function readContents(path: string): string {
  return statOf(path) === undefined ? "" : new TextDecoder().decode(readSmallFile(path, 1 << 20));
}

/** Replaces one entry of `auths` (undefined: removes it) and leaves all else as it was. */
async function writeAuth(
  path: string,
  contents: string,
  change: { readonly key: string; readonly entry: Readonly<Record<string, string>> | undefined },
): Promise<void> {
  const config = contents.trim() === "" ? {} : parseJson(contents, path);
  const auths = new Map(Object.entries((config["auths"] ?? {}) as Record<string, unknown>));
  if (change.entry === undefined) auths.delete(change.key);
  else auths.set(change.key, change.entry);
  const text = JSON.stringify({ ...config, auths: Object.fromEntries(auths) }, undefined, "\t");
  makePrivateDirectory(dirname(path));
  await publish(path, (storage) => storage.writeAt(utf8(`${text}\n`), 0), { mode: 0o600 });
}
