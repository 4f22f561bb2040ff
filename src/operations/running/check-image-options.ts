import { sanitise } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import type { ImageFacts } from "../images/image-facts.ts";

/** Refuses what a finished image could only ignore: options of building it. */
export function refuseBuildingOptions(plan: RunPlan<unknown>): void {
  if (plan.buildingOptions.length === 0) return;
  const options = plan.buildingOptions.map((name) => `--${name}`).join(", ");
  throw new WickError(
    "USAGE",
    `Cannot run ${sanitise(plan.content.source)} with ${options}: it is finished, and this is for building`,
    { hint: "build another image with it: wick build … -o FILE" },
  );
}

/** Refuses what only wick's init could do: another one starts what it was made for. */
export function refuseOverrides(plan: RunPlan, facts: ImageFacts): void {
  const { Hostname: _, ExposedPorts: __, Labels: ___, ...process } = plan.overrides;
  const given = Object.entries(process).filter(([, value]) => value !== undefined);
  if (facts.reports) return;
  if (plan.mounts.length > 0) {
    throw new WickError(
      "USAGE",
      `Cannot mount anything in ${sanitise(plan.content.source)}: its init is not wick's, which does it`,
      { hint: "build an image with --add FOLDER:PATH, or with --init wick" },
    );
  }
  if (given.length === 0) return;
  throw new WickError(
    "USAGE",
    `Cannot change what ${sanitise(plan.content.source)} runs: its init is not wick's and takes neither a command nor -e, -u, -w`,
    { hint: "say it when the image is built, or build with --init wick" },
  );
}
