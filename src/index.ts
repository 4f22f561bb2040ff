/**
 * wick as a library: build a root file system from an application, boot it, look into it.
 * Everything takes a {@link Context}; nothing prints, exits, or reads clock or environment.
 */
export { errorCodes, isWickError, WickError, type ErrorCode } from "./errors/index.ts";
export { exitStatus, type FinalReport } from "./guest/index.ts";
export { initKinds, type BuildOptions, type RunOptions } from "./config/index.ts";
export { build, type BuildResult } from "./operations/build.ts";
export type { Context } from "./operations/context.ts";
export type { ProgressEvent, ProgressListener } from "./operations/progress.ts";
export { run } from "./operations/run.ts";
export type { MachineExit, RunningMachine, StopOptions } from "./operations/machine.ts";
export type { TimelinePoint } from "./operations/timeline.ts";
export { openImage, type ListedNode, type OpenedImage } from "./operations/open-image.ts";
export type { Inspection } from "./operations/inspect.ts";
export { version } from "./operations/version.ts";
export { shellLine } from "./vmm/index.ts";
