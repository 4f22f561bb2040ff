import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { AppConfig } from "./config.ts";
import { mergeEnvironment, parseVariables, type CallerEnvironment } from "./environment.ts";
import { cleanPath } from "./paths.ts";
import { parseExposed } from "./ports.ts";
import { signalNumber } from "./signals.ts";

/** What a user changes, in Docker's words; `build` and `run` have the same. */
export interface Overrides {
  /** One text is one word, as in Docker; "" or [] clears entrypoint and command. Drops Cmd. */
  readonly entrypoint?: string | readonly string[] | undefined;
  /** Replaces Cmd alone: `--cmd` of build, the words after the source on `run`. */
  readonly command?: readonly string[] | undefined;
  /** `NAME=value`, or `NAME` for the caller's value; env-files' lines come first. */
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  /** `80`, `53/udp`, `8000-8010`; added to the image's. */
  readonly expose?: readonly string[] | undefined;
  /** `KEY=VALUE` or `KEY`. */
  readonly labels?: readonly string[] | undefined;
  readonly stopSignal?: string | undefined;
  readonly hostname?: string | undefined;
}

/**
 * `upper` over `lower` by Docker's rules: an Entrypoint of `upper`, even an empty one, drops
 * the Cmd of `lower`; variables, ports, volumes and labels are merged, the rest is replaced.
 */
export function mergeConfigs(lower: AppConfig, upper: AppConfig): AppConfig {
  const Cmd = upper.Cmd ?? (upper.Entrypoint === undefined ? lower.Cmd : undefined);
  const { Cmd: _dropped, ...rest } = lower;
  return {
    ...rest,
    ...defined(upper),
    ...(Cmd && { Cmd }),
    ...(upper.Env && { Env: mergeEnvironment(lower.Env ?? [], upper.Env) }),
    ...(upper.ExposedPorts && { ExposedPorts: { ...lower.ExposedPorts, ...upper.ExposedPorts } }),
    ...(upper.Volumes && { Volumes: { ...lower.Volumes, ...upper.Volumes } }),
    ...(upper.Labels && { Labels: { ...lower.Labels, ...upper.Labels } }),
  };
}

/**
 * The overrides alone as a config; USAGE where one is wrong. A variable without value (`-e NAME` that the caller lacks)
 * stands in Env as `NAME`, which {@link mergeConfigs} takes away.
 */
export function configOf(overrides: Overrides, caller: CallerEnvironment): AppConfig {
  const { entrypoint, command, env, workdir, user, expose, labels } = overrides;
  return defined({
    Entrypoint: entrypoint === undefined ? undefined : entrypointOf(entrypoint),
    Cmd: command && command.length > 0 ? command.map(checkWord) : undefined,
    // No variables are none given: they are added to the image's, and replace nothing.
    Env: env && env.length > 0 ? parseVariables(env, caller) : undefined,
    // An empty -u or -w is one that was not given, as in Docker.
    WorkingDir: workdir ? directoryOf(workdir) : undefined,
    User: user || undefined,
    StopSignal: checkedSignal(overrides.stopSignal),
    ExposedPorts: expose && portsOf(expose),
    Labels: labels && labelsOf(labels),
    Hostname: checkedHostname(overrides.hostname),
  });
}

/** Entrypoint ++ Cmd; NO_APPLICATION when that is nothing. */
export function commandOf(config: AppConfig, hint?: string): readonly string[] {
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (argv.length > 0 && argv[0] !== "") return argv;
  const is = argv.length === 0 ? "no command is given" : "the program's name is empty";
  throw new WickError("NO_APPLICATION", `Cannot tell which program to run: ${is}`, {
    hint: hint ?? "give --entrypoint, --cmd, or the command after the source",
  });
}

function entrypointOf(entrypoint: string | readonly string[]): readonly string[] {
  if (typeof entrypoint === "string") return entrypoint === "" ? [] : [checkWord(entrypoint)];
  return entrypoint.length === 1 && entrypoint[0] === "" ? [] : entrypoint.map(checkWord);
}

function checkWord(word: string): string {
  if (!/[\0\p{Surrogate}]/u.test(word)) return word;
  throw wrong("run", word, "it holds a NUL or half of a character", "text that execve(2) takes");
}

function directoryOf(path: string): string {
  if (path.startsWith("/")) return cleanPath(path);
  throw wrong("work in", path, "it is relative", "an absolute path of the image");
}

function portsOf(texts: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(texts.flatMap(parseExposed).map((key) => [key, {}]));
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const equals = text.indexOf("=");
    if (text === "" || equals === 0) throw wrong("add the label", text, "no key", "KEY=VALUE");
    return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function checkedSignal(text: string | undefined): string | undefined {
  if (text === undefined || signalNumber(text) !== undefined) return text;
  throw wrong("stop by the signal", text, "no such signal", "a name or 1 to 64");
}

/** HOST_NAME_MAX is 64; the grammar is that of RFC 1123 in dotted parts. */
function checkedHostname(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const part = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;
  if (text.length <= 64 && text.split(".").every((label) => part.test(label))) return text;
  throw wrong("name the machine", text, "not a host name", "letters, digits, - and ., at most 64");
}

function wrong(action: string, text: string, is: string, wanted: string): WickError {
  const shown = sanitise(text.slice(0, 80));
  return new WickError("USAGE", `Cannot ${action} "${shown}": ${is}, wanted ${wanted}`);
}

/** Without the properties that are undefined. */
function defined(config: { [K in keyof AppConfig]?: AppConfig[K] | undefined }): AppConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
