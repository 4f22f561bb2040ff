import type { Caller } from "../../config/index.ts";
import { hostArch } from "../../host/index.ts";
import type { Context } from "./context.ts";

/** The caller as plans need it. */
export function callerOf({ environment, workingDirectory }: Context): Caller {
  return { environment, workingDirectory, arch: hostArch() };
}
