import { join, relative } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { linksBelow, readSmallFile, realPath, statOf } from "../../host/index.ts";
import { foreignFrontend } from "./frontend.ts";

/** Things of a Dockerfile that only its user can allow. */
export const allowances = ["frontend", "outside-links"] as const;
export type Allowance = (typeof allowances)[number];

/** A folder to build, with the file that says how. */
export interface BuildContext {
  /** Absolute. */
  readonly directory: string;
  readonly dockerfile: string;
}

/** Names that are tried in this order where none is given. */
const NAMES = ["Dockerfile", "Containerfile"] as const;

const DOCKERFILE_MAX_BYTES = 16 << 20;
/** Links that an error names. */
const SHOWN = 5;

/** The Dockerfile of a folder; undefined when it has none. */
export function dockerfileIn(directory: string): string | undefined {
  const paths = NAMES.map((name) => join(directory, name));
  return paths.find((path) => statOf(path)?.isFile() === true);
}

/** The context behind `directory` and `-f FILE`; SOURCE_NOT_FOUND where one is missing. */
export function findContext(directory: string, file: string | undefined): BuildContext {
  const shown = sanitise(directory);
  if (statOf(directory)?.isDirectory() !== true) {
    throw new WickError("SOURCE_NOT_FOUND", `Cannot build ${shown}: there is no such directory`);
  }
  if (file === undefined) {
    const found = dockerfileIn(directory);
    if (found !== undefined) return { directory, dockerfile: found };
    throw new WickError(
      "SOURCE_NOT_FOUND",
      `Cannot build ${shown}: it has no ${NAMES.join(" and no ")}`,
      { hint: `-f FILE names another one; dir:${shown} takes the folder's own files` },
    );
  }
  if (statOf(file)?.isFile() === true) return { directory, dockerfile: file };
  throw new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot build ${shown} by ${sanitise(file)}: there is no such file`,
    { hint: "-f is relative to the current directory" },
  );
}

/**
 * Refuses what would let a stranger's folder run or read more than a build does (N9): another
 * frontend than Docker's own, and links that lead to files of the host outside the folder.
 */
export async function checkContext(
  { directory, dockerfile }: BuildContext,
  allowed: readonly Allowance[],
  signal?: AbortSignal,
): Promise<void> {
  if (!allowed.includes("frontend")) checkFrontend(dockerfile);
  if (!allowed.includes("outside-links")) await checkLinks(directory, signal);
}

function checkFrontend(dockerfile: string): void {
  const frontend = foreignFrontend(readSmallFile(dockerfile, DOCKERFILE_MAX_BYTES));
  if (frontend === undefined) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot build by ${sanitise(dockerfile)}: its syntax line has it run by ${sanitise(frontend)}, wanted docker/dockerfile`,
    { hint: "if you trust that program: --allow frontend" },
  );
}

async function checkLinks(directory: string, signal: AbortSignal | undefined): Promise<void> {
  const root = realPath(directory) ?? directory;
  const leading: string[] = [];
  for await (const link of linksBelow(directory, signal)) {
    const target = targetOf(link);
    if (target === undefined || isBelow(target, root)) continue;
    leading.push(`${relative(directory, link)} -> ${target}`);
    if (leading.length > SHOWN) break;
  }
  if (leading.length === 0) return;
  throw new WickError(
    "PATH_ESCAPES",
    `Cannot build ${sanitise(directory)}: ${sanitise(leading[0]!)} leads out of the folder${leading.length > 1 ? ", and so do others" : ""}`,
    {
      hint: "if these links are meant: --allow outside-links",
      detail: leading.slice(0, SHOWN).map(sanitise),
    },
  );
}

/** A link into nothing shows nothing of the host. */
function targetOf(link: string): string | undefined {
  try {
    return realPath(link);
  } catch {
    return undefined;
  }
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === "/" ? root : `${root}/`);
}
