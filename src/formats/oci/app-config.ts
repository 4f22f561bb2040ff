import { type AppConfig, mergeConfigs, portKey, printConfig } from "../../application/index.ts";
import type { ImageConfig } from "./image-config.ts";

type Loose = { [K in keyof AppConfig]?: unknown };

/**
 * How the image wants its program started, in the application's names: unknown keys are left
 * out, ports get their canonical names, what is empty or null is not set. CONFIG_INVALID where
 * a value is wrong; `name` is the image's.
 */
export function configFromImage(image: ImageConfig, name: string): AppConfig {
  const { config } = image;
  const loose: Loose = {
    Entrypoint: words(config["Entrypoint"]),
    Cmd: words(config["Cmd"]),
    Env: environment(config["Env"]),
    WorkingDir: directory(config["WorkingDir"]),
    User: notEmpty(config["User"]),
    StopSignal: notEmpty(config["StopSignal"]),
    ExposedPorts: ports(config["ExposedPorts"]),
    Volumes: emptied(config["Volumes"]),
    Healthcheck: healthcheck(config["Healthcheck"]),
    Labels: labels(config["Labels"]),
  };
  const is = Object.fromEntries(Object.entries(loose).filter(([, value]) => value !== undefined));
  // Whatever is not of the right form has passed as it is: this says so.
  printConfig(is as AppConfig, { name: `the config of ${name}` });
  return mergeConfigs({}, is as AppConfig);
}

function notEmpty(is: unknown): unknown {
  return is === null || is === "" ? undefined : is;
}

/** Docker has taken one text for a list of one since its first images (strslice). */
function words(is: unknown): unknown {
  if (typeof is === "string") return is === "" ? undefined : [is];
  return Array.isArray(is) && is.length === 0 ? undefined : texts(is);
}

/** To Go, and so to Docker's tools, a text of a list or an object that is null is an empty one. */
function texts(is: unknown): unknown {
  return Array.isArray(is) ? is.map((one: unknown) => one ?? "") : notEmpty(is);
}

function labels(is: unknown): unknown {
  if (!isObject(is)) return notEmpty(is);
  return mapObject(is, (key, value) => [key, value ?? ""]);
}

/** Each name once, the last wins; a name without `=` sets nothing in Docker. */
function environment(given: unknown): unknown {
  const is = texts(given);
  if (!Array.isArray(is) || !is.every((line) => typeof line === "string")) return notEmpty(is);
  const set = is.filter((line) => line.includes("="));
  return mergeConfigs({}, { Env: set }).Env;
}

/** What is not absolute is no directory that anybody could mean. */
function directory(is: unknown): unknown {
  return typeof is === "string" && !is.startsWith("/") ? "/" : notEmpty(is);
}

function ports(is: unknown): unknown {
  return withKeys(emptied(is), (key) => portKey(key) ?? key);
}

/** The values of a set are `{}`; other tools write null. */
function emptied(is: unknown): unknown {
  if (!isObject(is)) return notEmpty(is);
  return mapObject(is, (key, value) => [key, value ?? {}]);
}

function withKeys(is: unknown, rename: (key: string) => string): unknown {
  return isObject(is) ? mapObject(is, (key, value) => [rename(key), value]) : is;
}

const CHECKS = ["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"];

function healthcheck(is: unknown): unknown {
  if (!isObject(is)) return notEmpty(is);
  const known = Object.entries(is).filter(([key, value]) => CHECKS.includes(key) && value !== null);
  return Object.fromEntries(known.map(([key, value]) => [key, texts(value)]));
}

function isObject(is: unknown): is is Readonly<Record<string, unknown>> {
  return typeof is === "object" && is !== null && !Array.isArray(is);
}

/** fromEntries and not assignment: a key named `__proto__` stays one, and is refused later. */
function mapObject(
  is: Readonly<Record<string, unknown>>,
  change: (key: string, value: unknown) => [string, unknown],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(is).map(([key, value]) => change(key, value)));
}
