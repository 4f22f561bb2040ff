import { appCommandLine, type AppConfig, type ResolvedProcess } from "../../application/index.ts";
import { sanitise } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";

/** Refuses what an application that the kernel itself starts would not get. */
export function checkAppConfig(config: AppConfig, process: ResolvedProcess): void {
  if (process.uid !== 0 || process.gid !== 0) {
    throw refuse(`as user ${sanitise(config.User ?? "")}`, "process 1 is root's", "-u root");
  }
  if (process.directory !== "/") {
    throw refuse(`in ${sanitise(process.directory)}`, "process 1 begins in /", "-w /");
  }
  appCommandLine(config);
}

function refuse(how: string, why: string, accepts: string): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot start the application ${how} with --init app: ${why}`,
    { hint: `${accepts} says that this will do; --init wick does as it is told` },
  );
}

/** Refuses what one run says that arguments and variables cannot; `isBuilt`: it was built so. */
export function refuseForApp(plan: RunPlan, { isBuilt }: { readonly isBuilt: boolean }): void {
  const { Entrypoint, User, WorkingDir, StopSignal, Hostname } = plan.overrides;
  const given = [
    ...(Entrypoint === undefined || isBuilt ? [] : ["--entrypoint"]),
    ...(User === undefined || isBuilt ? [] : ["-u"]),
    ...(WorkingDir === undefined || isBuilt ? [] : ["-w"]),
    ...(StopSignal === undefined ? [] : ["--stop-signal"]),
    ...(Hostname === undefined ? [] : ["--hostname"]),
    ...(plan.mounts.length === 0 ? [] : ["-v, --mount, --tmpfs"]),
    ...(plan.readOnly ? ["--read-only"] : []),
  ];
  if (given.length > 0) {
    throw new WickError(
      "USAGE",
      `Cannot run ${sanitise(plan.content.source)} with ${given.join(", ")}: the application is process 1, which gets arguments and -e from the kernel's command line and nothing else`,
      { hint: "say it when the image is built, or build with --init wick" },
    );
  }
  if (!/(^|\s)--(\s|$)/.test(plan.append)) return;
  throw new WickError(
    "USAGE",
    `Cannot append "${sanitise(plan.append)}": what follows -- are the application's arguments`,
    { hint: "arguments follow the image: wick run IMAGE ARGUMENT…" },
  );
}
