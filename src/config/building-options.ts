import type { RunOptions } from "./options.ts";

/** Options of `run` that say how an image is made: a finished one cannot take them any more. */
const NAMES = [
  "with",
  "add",
  "recipe",
  "owner",
  "size",
  "journal",
  "format",
  "compression",
  "init",
] as const;

/** The names of those that were given, as the command line has them. */
export function buildingOptions(given: RunOptions): readonly string[] {
  const names = NAMES.filter((name) => given[name] !== undefined && given[name] !== true);
  const volumeLabel = given.label?.some((text) => !text.includes("=")) === true ? ["label"] : [];
  return [...names.map((name) => (name === "journal" ? "no-journal" : name)), ...volumeLabel];
}
