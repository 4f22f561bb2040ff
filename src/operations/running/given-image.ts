import { sanitise } from "../../bytes/index.ts";
import type { Arch, RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Context } from "../common/context.ts";
import { imageArchitecture } from "../images/image-architecture.ts";
import { type ImageFacts, readImageFacts } from "../images/image-facts.ts";
import { imageReference } from "../images/image-reference.ts";
import { refuseBuildingOptions } from "./check-image-options.ts";

/** A finished image that a run was given. */
export interface GivenImage {
  /** Absolute. */
  readonly path: string;
  readonly facts: ImageFacts;
}

/** Machines by what a program says it is for: 64-bit processors run 32-bit programs as well. */
const MACHINES: Readonly<Record<string, Arch>> = {
  x86_64: "x86_64",
  i686: "x86_64",
  aarch64: "aarch64",
  armv7l: "aarch64",
};

/** The image that the plan's source names, read; undefined where it must be built. */
export async function givenImage(
  plan: RunPlan<unknown>,
  context: Context,
): Promise<GivenImage | undefined> {
  const path = await imageReference(plan.content.source, context);
  if (path === undefined) return undefined;
  refuseBuildingOptions(plan);
  return { path, facts: await readImageFacts(path, context.signal) };
}

/** The plan with the machine that a given image's init is for. USAGE, UNSUPPORTED. */
export async function planForImage<Accel>(
  plan: RunPlan<Accel>,
  given: GivenImage | undefined,
  { signal }: Context,
): Promise<RunPlan<Accel>> {
  if (given === undefined) return plan;
  const found = await imageArchitecture(given.path, given.facts, signal);
  if (found === undefined) return plan;
  const arch = machineFor(found, plan);
  if (plan.isPlatformGiven && plan.content.arch !== arch) throw otherPlatform(plan, found);
  return { ...plan, content: { ...plan.content, arch } };
}

/** Says once that the machine is another one than the host's, or than was asked for. */
export function noteArchitecture(
  { content: { arch, source } }: RunPlan<unknown>,
  { content: asked }: RunPlan<unknown>,
  { onEvent }: Context,
): void {
  if (arch === asked.arch) return;
  const message = `the machine is for ${arch}, as ${sanitise(source)} is`;
  onEvent({ type: "note", message });
}

function machineFor(found: string, { content }: RunPlan<unknown>): Arch {
  const arch = Object.hasOwn(MACHINES, found) ? MACHINES[found] : undefined;
  if (arch !== undefined) return arch;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot run ${sanitise(content.source)}: its init is for ${found}, wanted x86_64 or aarch64`,
    { hint: "wick makes machines of these two architectures" },
  );
}

function otherPlatform({ content }: RunPlan<unknown>, found: string): WickError {
  return new WickError(
    "USAGE",
    `Cannot run ${sanitise(content.source)} for ${content.arch}: its init is for ${found}`,
    { hint: "without --platform the machine is what the image is for" },
  );
}
