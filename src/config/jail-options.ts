import { resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { RunOptions } from "./options.ts";
import type { VmmName } from "./vmm-options.ts";

/** The jail in which Firecracker runs, resolved. */
export interface JailPlan {
  readonly uid: number;
  readonly gid: number;
  /** Absolute. */
  readonly baseDirectory: string;
  /** Whether it is made where it is missing: one that was named is not. */
  readonly makesBase: boolean;
  /** `FILE=VALUE` of cgroup v2. */
  readonly cgroups: readonly string[];
}

/** The jailer's own default. */
const BASE_DIRECTORY = "/srv/jailer";

const ID_MOST = 2 ** 32 - 2;

type Given = Pick<RunOptions, "jailer" | "jailerBase" | "cgroup">;

/** Undefined: no jail. USAGE for options that need one, and for a user that is none. */
export function jailOf(given: Given, vmm: VmmName, workingDirectory: string): JailPlan | undefined {
  const { jailer, jailerBase, cgroup = [] } = given;
  if (jailer === undefined) {
    if (jailerBase !== undefined) throw alone("--jailer-base");
    if (cgroup.length > 0) throw alone("--cgroup");
    return undefined;
  }
  if (vmm !== "firecracker") {
    throw new WickError("USAGE", "Cannot run with --jailer: it locks up Firecracker alone", {
      hint: "add --vmm firecracker; QEMU runs in a sandbox of its own",
    });
  }
  return {
    ...parseUser(jailer),
    baseDirectory: resolve(workingDirectory, jailerBase ?? BASE_DIRECTORY),
    makesBase: jailerBase === undefined,
    cgroups: cgroup.map(parseCgroup),
  };
}

function parseUser(text: string): { readonly uid: number; readonly gid: number } {
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2])];
  const isUser = (id: number): boolean => id >= 1 && id <= ID_MOST;
  if (match !== null && isUser(uid) && isUser(gid)) return { uid, gid };
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the user of the jail: wanted UID:GID, numbers from 1`,
    { hint: "one that nothing else runs as, such as 20001:20001" },
  );
}

/** A file of the cgroup itself, never a path to another's; `cgroup.*` are about who is in it. */
function parseCgroup(text: string): string {
  if (/^(?!cgroup\.)[a-z]\w*(\.\w+)+=[^\0\n]+$/.test(text)) return text;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as a setting of the cgroup: wanted FILE=VALUE, such as memory.max=512M`,
  );
}

function alone(option: string): WickError {
  return new WickError("USAGE", `Cannot use ${option} without --jailer UID:GID`);
}
