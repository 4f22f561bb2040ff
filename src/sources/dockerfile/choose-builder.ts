import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  deadline,
  findProgram,
  runTool,
  throwIfAborted,
  type Environment,
} from "../../host/index.ts";
import { buildah, podman } from "./buildah.ts";
import type { Ask, Builder } from "./builder.ts";
import { buildctl, docker } from "./buildkit.ts";
import { plainDocker } from "./plain-docker.ts";

/** In the order in which they are asked. */
export const builders: readonly Builder[] = [docker, buildctl, buildah, podman, plainDocker];

/** A builder that does not say its version by then is none. */
const PROBE_MS = 20_000;

/** What a probe is given to work with. */
export interface Probing {
  /** As builders get it. */
  readonly env: Readonly<Record<string, string>>;
  /** The user's: WICK_BUILDER names the one to take. */
  readonly environment: Environment;
  readonly signal: AbortSignal | undefined;
}

/** The first builder that is installed and answers; TOOL_MISSING naming all of them otherwise. */
export async function chooseBuilder({ env, environment, signal }: Probing): Promise<Builder> {
  const reasons: string[] = [];
  for (const builder of candidates(environment)) {
    if (findProgram(builder.name) === undefined) continue;
    try {
      await builder.probe(askWith(env, signal));
      return builder;
    } catch (error) {
      throwIfAborted(signal);
      reasons.push(`${builder.name}: ${reasonOf(error)}`);
    }
  }
  throw none(reasons);
}

function candidates(environment: Environment): readonly Builder[] {
  const wanted = environment["WICK_BUILDER"];
  if (wanted === undefined || wanted === "") return builders;
  const found = builders.filter(({ name }) => name === wanted);
  if (found.length > 0) return found;
  throw new WickError(
    "USAGE",
    `Cannot build with WICK_BUILDER="${sanitise(wanted)}": wanted ${[...new Set(builders.map(({ name }) => name))].join(", ")}`,
  );
}

function askWith(env: Probing["env"], signal: AbortSignal | undefined): Ask {
  return async (program, args) => {
    const purpose = `ask ${program} whether it builds Dockerfiles`;
    const end = deadline({ ms: PROBE_MS, action: purpose, code: "TOOL_FAILED", signal });
    const stop = new AbortController();
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    try {
      return await end.within(runTool(program, args, { purpose, env, signal: both }), "answer");
    } finally {
      stop.abort();
    }
  };
}

/** The program's own words where it has any. */
function reasonOf(error: unknown): string {
  if (!isWickError(error)) throw error;
  return error.detail[0] ?? error.message;
}

/** buildah is the one to have first: it needs no daemon and no rights. */
function otherPackages(): (string | undefined)[] {
  const packages = builders.map(({ packageName }) => packageName);
  return packages.filter((name) => name !== undefined && name !== buildah.packageName);
}

function none(reasons: readonly string[]): WickError {
  const is =
    reasons.length === 0
      ? "no program that builds Dockerfiles is installed"
      : "no program that builds Dockerfiles answers";
  return new WickError(
    "TOOL_MISSING",
    `Cannot build the Dockerfile: ${is}, wanted docker with buildx, buildah or podman`,
    {
      hint: `apt-get install buildah (or ${otherPackages().join(", ")})`,
      detail: reasons,
    },
  );
}
