import * as v from "valibot";
import { sanitise, utf8 } from "../../../bytes/index.ts";
import { isWickError, WickError } from "../../../errors/index.ts";
import { type Environment, pipeThroughTool, throwIfAborted } from "../../../host/index.ts";
import type { Credentials } from "./credentials.ts";

/** How a helper is called. */
export interface HelperCall {
  /** The NAME of docker-credential-NAME, from a file that the user wrote. */
  readonly helper: string;
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
  /** 10 s by default, in `ms`. */
  readonly limitMs?: number | undefined;
}

const LIMIT_MS = 10_000;
const OUTPUT_MAX_BYTES = 1 << 16;

/** What helpers need beside what every tool gets: their stores' own settings. */
const PASSED_ON =
  /^(HOME|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|GNUPGHOME|GPG_TTY|PASSWORD_STORE_\w+|XDG_\w+|AWS_\w+|AZURE_\w+|GOOGLE_\w+|CLOUDSDK_\w+|USER|LOGNAME)$/;

const answer = v.object({ Username: v.optional(v.string(), ""), Secret: v.string() });

/** docker-credential-helpers prints this, and fails, where nothing is stored. */
const NOT_FOUND = /credentials not found/i;

/** Asks a helper for what it keeps under `key`; undefined: nothing. */
export async function askHelper(call: HelperCall, key: string): Promise<Credentials | undefined> {
  const said = await runHelper(call, "get", key);
  if (said === undefined) return undefined;
  const result = v.safeParse(answer, parsed(said));
  if (!result.success) throw failed(call, "get", "it prints no credentials");
  const { Username, Secret } = result.output;
  if (Username === "<token>") return { kind: "identity", token: Secret };
  return { kind: "basic", username: Username, password: Secret };
}

/** Has a helper keep a user and password under `key`. */
export async function tellHelper(
  call: HelperCall,
  key: string,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  await runHelper(
    call,
    "store",
    JSON.stringify({ ServerURL: key, Username: username, Secret: password }),
  );
}

/** Has a helper forget what it keeps under `key`. */
export async function eraseFromHelper(call: HelperCall, key: string): Promise<void> {
  await runHelper(call, "erase", key);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A helper's stdout; undefined where it says that there is nothing. */
async function runHelper(
  call: HelperCall,
  verb: "get" | "store" | "erase",
  input: string,
): Promise<string | undefined> {
  checkName(call.helper);
  const limitMs = call.limitMs ?? LIMIT_MS;
  const limit = AbortSignal.timeout(limitMs);
  const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const output = pipeThroughTool(programOf(call.helper), [verb], {
      purpose: `${words[verb]} credentials`,
      input: once(utf8(input)),
      env: passedOn(call.environment),
      startsOthers: true,
      signal,
    });
    for await (const chunk of output) {
      length += chunk.length;
      if (length > OUTPUT_MAX_BYTES)
        throw failed(call, verb, `it prints over ${OUTPUT_MAX_BYTES} bytes`);
      parts.push(chunk);
    }
  } catch (error) {
    throwIfAborted(call.signal);
    if (limit.aborted) throw failed(call, verb, `it has not ended after ${limitMs / 1000} s`);
    if (verb === "get" && NOT_FOUND.test(Buffer.concat(parts).toString())) return undefined;
    throw isWickError(error, "TOOL_MISSING") ? missing(call.helper, verb) : error;
  }
  return Buffer.concat(parts).toString();
}

const words = { get: "find", store: "store", erase: "forget" } as const;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function passedOn(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => PASSED_ON.test(entry[0]) && entry[1] !== undefined,
  );
  return Object.fromEntries(entries);
}

function programOf(helper: string): string {
  return `docker-credential-${helper}`;
}

/** The name becomes a program's: nothing that leads elsewhere (R16). */
function checkName(helper: string): void {
  if (/^[A-Za-z0-9._-]{1,100}$/.test(helper)) return;
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot use the credential helper "${sanitise(helper.slice(0, 100))}": wanted a name of letters, digits, ., _ and -`,
  );
}

function failed({ helper }: HelperCall, verb: keyof typeof words, why: string): WickError {
  return new WickError(
    "TOOL_FAILED",
    `Cannot ${words[verb]} credentials with ${programOf(helper)}: ${why}`,
    { hint: "see credsStore and credHelpers in Docker's config.json" },
  );
}

function missing(helper: string, verb: keyof typeof words): WickError {
  return new WickError(
    "TOOL_MISSING",
    `Cannot ${words[verb]} credentials: the program ${programOf(helper)} is not installed`,
    {
      hint: "credsStore or credHelpers in Docker's config.json names it: install it, or remove the key",
    },
  );
}
