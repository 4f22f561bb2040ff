/** config/: options → one resolved plan that can be printed. */
export type { BundlePlan } from "./bundle.ts";
export type { Caller } from "./caller.ts";
export type { ContentPlan, InitKind } from "./content-plan.ts";
export { LIST_FORMAT, type Compression, type RootFormat } from "./image-formats.ts";
export { listOptions } from "./list-options.ts";
export { refuseCopy } from "./image-options.ts";
export type { BuildOptions, RunOptions } from "./options.ts";
export { checkBuiltInLine, type PackingPlan, refuseModulesAlone } from "./packing.ts";
export type { NetworkPlan } from "./network-options.ts";
export { parseOptions } from "./parse.ts";
export type { PullPolicy } from "./pull-policies.ts";
export { planBuild, planRun, type BuildPlan, type RequestedAccel, type RunPlan } from "./plan.ts";
export { archOf, type Arch } from "./platform.ts";
export { parseDuration } from "./duration.ts";
