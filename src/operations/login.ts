import * as v from "valibot";
import { parseOptions } from "../config/index.ts";
import { type Kept, logIn, logOut } from "../sources/index.ts";
import type { Context } from "./common/context.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** `HOST[:PORT]`; Docker Hub by default. */
  registry: v.optional(text),
  username: v.pipe(text, v.excludes(":", "wanted a name without a colon")),
  password: text,
  insecure: v.optional(v.array(text)),
});

/** What `login` is asked for. */
export type LoginOptions = v.InferInput<typeof schema>;

export interface LoginResult {
  readonly registry: string;
  readonly username: string;
  /** The file or the credential helper that keeps the password. */
  readonly kept: Kept;
}

export interface LogoutResult {
  readonly registry: string;
  /** Undefined: nothing was kept. */
  readonly kept: Kept | undefined;
}

const HUB = "docker.io";

/** Shows a user and password to a registry and, when it takes them, keeps them where Docker would. */
export async function login(options: LoginOptions, context: Context): Promise<LoginResult> {
  const { registry = HUB, username, password, insecure } = parseOptions(schema, options, "log in");
  const { environment, signal } = context;
  const note = (message: string): void => context.onEvent({ type: "note", message });
  const pair = { username, password };
  const kept = await logIn(registry, pair, { environment, signal, note, insecure });
  return { registry, username, kept };
}

/** Forgets what is kept for a registry. */
export async function logout(registry: string, context: Context): Promise<LogoutResult> {
  const { environment, signal } = context;
  const host = registry === "" ? HUB : registry;
  return { registry: host, kept: await logOut(host, { environment, signal }) };
}
