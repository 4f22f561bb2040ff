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

/** Refuses that an output takes the place of what the command reads. */
export function checkNotInput(
  outputs: readonly (string | undefined)[],
  inputs: readonly string[],
): void {
  const both = outputs.find((path) => path !== undefined && inputs.includes(path));
  if (both === undefined) return;
  throw new WickError("USAGE", `Cannot write to ${sanitise(both)}: it is what is read`, {
    hint: "name another file",
  });
}
