import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** Refuses that two outputs of one command are the same file: the later would replace the other. */
export function checkDistinct(outputs: readonly (string | undefined)[]): void {
  const paths = outputs.filter((path) => path !== undefined);
  const twice = paths.find((path, i) => paths.indexOf(path) < i);
  if (twice === undefined) return;
  throw new WickError(
    "USAGE",
    `Cannot write two files to ${sanitise(twice)}: wanted a path for each`,
  );
}
