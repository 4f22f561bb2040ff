import * as v from "valibot";
import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { AppConfig } from "./config.ts";
import { splitVariable } from "./environment.ts";
import { portKey } from "./ports.ts";

/** Where an image keeps its config (mode 0600, root). */
export const CONFIG_PATH = "/.wick/config.json";

/** The only version of the document there is. */
const VERSION = 1;

/** Bytes of one document: twice what execve(2) takes of arguments and environment. */
export const CONFIG_MAX_BYTES = 4 << 20;

const text = v.pipe(
  v.string("wanted a text"),
  v.check((s) => !/[\0\p{Surrogate}]/u.test(s), "wanted no NUL and no half of a character"),
);
const texts = v.array(text, "wanted a list of texts");

const environmentLine = v.pipe(
  text,
  v.check((s) => s.indexOf("=") > 0, "wanted NAME=value with a name that is not empty"),
);
const environment = v.pipe(
  v.array(environmentLine, "wanted a list of NAME=value"),
  v.check((lines) => {
    const names = lines.map((line) => splitVariable(line).name).filter((name) => name !== "");
    return new Set(names).size === names.length;
  }, "wanted each name once"),
);

const absolutePath = v.pipe(
  text,
  v.check((s) => s.startsWith("/"), 'wanted a path that begins with "/"'),
);
const exposedPort = v.pipe(
  text,
  v.check((s) => portKey(s) === s, 'wanted a port such as "80/tcp" or "53/udp"'),
);
/** valibot leaves these keys out of a record without a word: an attack, so an error here. */
const forbiddenKeys = ["__proto__", "prototype", "constructor"];
const mapOf = <K extends v.GenericSchema<string, string>, V extends v.GenericSchema>(
  key: K,
  value: V,
) =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (is) => typeof is === "object" && is !== null && !Array.isArray(is),
      "wanted an object",
    ),
    v.check(
      (is) => !forbiddenKeys.some((name) => Object.hasOwn(is, name)),
      `wanted no key named ${forbiddenKeys.join(", ")}`,
    ),
    v.record(key, value),
  );

const nothing = v.strictObject({}, "wanted {}");
const count = v.pipe(
  v.number("wanted a number"),
  v.safeInteger("wanted a whole number"),
  v.minValue(0, "wanted no negative number"),
);

/** Docker's; durations in `ns`. */
const healthcheck = v.strictObject(
  {
    Test: v.optional(texts),
    Interval: v.optional(count),
    Timeout: v.optional(count),
    StartPeriod: v.optional(count),
    StartInterval: v.optional(count),
    Retries: v.optional(count),
  },
  "wanted an object",
);

const appConfig = v.strictObject(
  {
    Entrypoint: v.optional(texts),
    Cmd: v.optional(texts),
    Env: v.optional(environment),
    WorkingDir: v.optional(absolutePath),
    User: v.optional(text),
    StopSignal: v.optional(text),
    ExposedPorts: v.optional(mapOf(exposedPort, nothing)),
    Volumes: v.optional(mapOf(absolutePath, nothing)),
    Healthcheck: v.optional(healthcheck),
    Labels: v.optional(mapOf(text, text)),
    Hostname: v.optional(text),
  },
  "wanted an object",
);

/** The two documents: what an image is built with, and what one run sets. */
const sections = {
  config: v.strictObject({ wick: v.literal(VERSION), config: appConfig }),
  run: v.strictObject({ wick: v.literal(VERSION), run: appConfig }),
} as const;

/** Which document: `{"wick": 1, "config": …}` or `{"wick": 1, "run": …}`. */
export type Section = keyof typeof sections;

/**
 * Reads a document; CONFIG_INVALID with every problem and its path at once, unknown keys and
 * versions included. `name` is how messages call it.
 */
export function parseConfig(
  bytes: Uint8Array,
  { section = "config", name = CONFIG_PATH }: { section?: Section; name?: string } = {},
): AppConfig {
  const document = parseJson(bytes, name);
  const version = (document as { wick?: unknown } | null)?.wick;
  if (version !== VERSION) throw unknownVersion(name, version);
  const result = v.safeParse(sections[section], document);
  if (!result.success) throw invalid(name, result.issues.map(problem));
  return (result.output as unknown as Record<Section, AppConfig>)[section];
}

/** The document as canonical JSON (sorted keys, two spaces, a newline at the end), checked. */
export function printConfig(
  config: AppConfig,
  { section = "config", name = CONFIG_PATH }: { section?: Section; name?: string } = {},
): Uint8Array {
  const bytes = utf8(canonicalJson({ wick: VERSION, [section]: config }));
  parseConfig(bytes, { section, name });
  return bytes;
}

function parseJson(bytes: Uint8Array, name: string): unknown {
  if (bytes.length > CONFIG_MAX_BYTES) {
    throw invalid(name, [`it has ${bytes.length} bytes, wanted at most ${CONFIG_MAX_BYTES}`]);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    const start = display(bytes.subarray(0, 40));
    throw invalid(name, [`it begins with "${start}", wanted JSON in UTF-8`], cause);
  }
}

function problem(issue: v.BaseIssue<unknown>): string {
  const path = sanitise(v.getDotPath(issue) ?? "the document");
  if (issue.type === "strict_object" && issue.expected === "never") return `${path}: unknown key`;
  if (issue.type === "strict_object" && issue.received === "undefined") return `${path}: missing`;
  return `${path}: ${issue.message}`;
}

function invalid(name: string, problems: readonly string[], cause?: unknown): WickError {
  const message = `Cannot use ${sanitise(name)}: ${problems.slice(0, 10).join("; ")}`;
  return new WickError("CONFIG_INVALID", message, { cause, detail: problems });
}

function unknownVersion(name: string, version: unknown): WickError {
  const is = version === undefined ? "no version" : `version ${sanitise(JSON.stringify(version))}`;
  return new WickError(
    "CONFIG_INVALID",
    `Cannot use ${sanitise(name)}: it has ${is.slice(0, 80)} under "wick", wanted ${VERSION}`,
    { hint: "a newer wick may know it" },
  );
}
