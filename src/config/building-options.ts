import type { RunOptions } from "./options.ts";

/** Options of `run` that say how an image is made: a finished one cannot take them any more. */
const NAMES = [
  "with",
  "add",
  "recipe",
  "owner",
  "listDir",
  "listAnyFile",
  "listVar",
  "rootDir",
  "size",
  "journal",
  "format",
  "compression",
  "init",
  "file",
  "buildArg",
  "target",
  "secret",
  "cache",
  "allow",
  "pull",
  "insecure",
] as const;

/** What the command line calls them, where that is something else. */
const FLAGS: Readonly<Record<string, string>> = {
  journal: "no-journal",
  cache: "no-cache",
  buildArg: "build-arg",
  listDir: "list-dir",
  listAnyFile: "list-any-file",
  listVar: "list-var",
  rootDir: "root-dir",
};

/** The names of those that were given, as the command line has them. */
export function buildingOptions(given: RunOptions): readonly string[] {
  const names = NAMES.filter((name) => given[name] !== undefined && given[name] !== true);
  const volumeLabel = given.label?.some((text) => !text.includes("=")) === true ? ["label"] : [];
  return [...names.map((name) => FLAGS[name] ?? name), ...volumeLabel];
}
