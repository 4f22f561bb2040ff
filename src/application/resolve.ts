import { sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { AppConfig } from "./config.ts";
import { mergeEnvironment, splitVariable } from "./environment.ts";
import { commandOf } from "./merge.ts";
import { cleanPath } from "./paths.ts";
import { signalNumber, SIGTERM } from "./signals.ts";
import { resolveUser, type ResolvedUser, type UserFiles } from "./users.ts";

/** What init starts, with nothing left to look up; the names are those of init's records. */
export interface ResolvedProcess {
  /** Never empty; argv[0] without `/` is looked up in the PATH of `env` by init. */
  readonly argv: readonly string[];
  /** `NAME=value`, each name once. */
  readonly env: readonly string[];
  /** Absolute; init makes it, owned by the user, when it is missing. */
  readonly directory: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** 1–64. */
  readonly stopSignal: number;
  readonly hostname: string;
}

/** The machine's name where the user gives none. */
const DEFAULT_HOSTNAME = "wick";
/** What Docker gives a Linux container (moby, oci/defaults.go). */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** MAX_ARG_STRLEN of Linux with 4 KiB pages, less the NUL: one argument or variable. */
const WORD_MAX_BYTES = 128 * 1024 - 1;
/** What execve(2) takes of arguments and environment with the usual 8 MiB stack: a quarter. */
const WORDS_MAX_BYTES = 2 << 20;
const POINTER_BYTES = 8;

/**
 * The process of a config: argv = Entrypoint ++ Cmd; Docker's default variables, then the
 * config's; user and groups by the image's own files; the directory `/` unless given.
 */
export function resolveProcess(
  config: AppConfig,
  files: UserFiles,
  { tty, hint }: { readonly tty: boolean; readonly hint?: string },
): ResolvedProcess {
  const argv = commandOf(config, hint);
  const hostname = config.Hostname ?? DEFAULT_HOSTNAME;
  const user = resolveUser(config.User, files);
  const env = environmentOf(config, { tty, hostname, user });
  checkWords(argv, env);
  return {
    argv,
    env,
    directory: directoryOf(config.WorkingDir),
    uid: user.uid,
    gid: user.gid,
    groups: user.groups,
    // An image's unusable StopSignal is SIGTERM (moby); a user's is refused where he gives it.
    stopSignal: signalNumber(config.StopSignal ?? "") ?? SIGTERM,
    hostname,
  };
}

function environmentOf(
  config: AppConfig,
  is: { readonly tty: boolean; readonly hostname: string; readonly user: ResolvedUser },
): string[] {
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${is.hostname}`];
  if (is.tty) defaults.push("TERM=xterm");
  const given = config.Env ?? [];
  for (const line of given) checkVariable(line);
  const env = mergeEnvironment(defaults, given);
  const hasHome = env.some((line) => line.startsWith("HOME=") && line !== "HOME=");
  return hasHome ? env : mergeEnvironment(env, [`HOME=${is.user.home}`]);
}

function checkVariable(line: string): void {
  const { name, value } = splitVariable(line);
  if (name !== "" && value !== undefined) return;
  throw invalid("variable", line, "wanted NAME=value with a name that is not empty");
}

function directoryOf(path: string | undefined): string {
  if (path === undefined || path === "") return "/";
  if (!path.startsWith("/")) throw invalid("working directory", path, "wanted an absolute path");
  if (path.includes("\0")) throw invalid("working directory", path, "wanted no NUL");
  return cleanPath(path);
}

/** Linux would answer E2BIG, in the guest and without saying which. */
function checkWords(argv: readonly string[], env: readonly string[]): void {
  let total = 0;
  for (const word of [...argv, ...env]) {
    const length = utf8(word).length;
    total += length + 1 + POINTER_BYTES;
    if (word.includes("\0")) throw invalid("argument or variable", word, "wanted no NUL");
    if (length <= WORD_MAX_BYTES) continue;
    throw invalid("argument or variable", word, `Linux takes ${WORD_MAX_BYTES} bytes at most`);
  }
  if (total <= WORDS_MAX_BYTES) return;
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot start the application: its arguments and variables take ${total} bytes, Linux takes ${WORDS_MAX_BYTES} at most`,
  );
}

/** Quotes the start of the value only: it may be long, and it may be a secret. */
function invalid(what: string, text: string, wanted: string): WickError {
  const shown = sanitise(text.split("=", 1)[0]!.slice(0, 40));
  return new WickError("CONFIG_INVALID", `Cannot use the ${what} "${shown}…": ${wanted}`);
}
