import { fileURLToPath } from "node:url";
import {
  mergeConfigs,
  resolveProcess,
  type AppConfig,
  type ResolvedProcess,
  type UserFiles,
  USER_FILE_MAX_BYTES,
} from "../../application/index.ts";
import type { ContentPlan } from "../../config/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { encodeRecords, initBinary } from "../../guest/index.ts";
import { readSmallFile } from "../../host/index.ts";
import {
  checkProgram,
  ensureDirectory,
  installInit,
  likelyExecutables,
  readFile,
  type InitRequest,
  type ProgramProblem,
  TreeFiles,
} from "../../shaping/index.ts";
import { findPath, type Sink, type Tree } from "../../tree/index.ts";
import { checkAppConfig } from "./app-init.ts";

/** What was installed into the tree. */
export interface Installed {
  /** The application's command; undefined where the image names none. */
  readonly argv: readonly string[] | undefined;
  readonly config: AppConfig;
  readonly notes: readonly string[];
  /** What would keep the program from starting, unless the run brings it. */
  readonly problems: readonly ProgramProblem[];
  /** Changes with all that was installed. */
  readonly identity: string;
}

interface Target {
  readonly tree: Tree;
  readonly sink: Sink;
}

/** How many likely programs the error without an application lists. */
const LIKELY = 8;

/** Makes the tree start its application: config, records and init of the planned kind. */
export function installApplication(
  plan: ContentPlan,
  target: Target,
  sourceConfig: AppConfig | undefined,
): Installed {
  const config = mergeConfigs(sourceConfig ?? {}, plan.overrides);
  const files = userFiles(target);
  const process = plan.init === "none" ? undefined : processOf(plan, target, { config, files });
  const problems =
    process === undefined
      ? []
      : checkProgram(new TreeFiles(target.tree, target.sink), process, { arch: plan.arch })
          .problems;
  refuseForeign(problems);
  if (plan.init === "app") checkAppConfig(config, process!);
  if (plan.init !== "none") makeVolumes(target.tree, config, plan);
  const request = requestOf(plan, { config, process, files });
  const { notes } = installInit(target.tree, target.sink, request, {
    mtimeSeconds: plan.mtimeSeconds,
    root: plan.format === "initramfs" ? "initramfs" : "disk",
  });
  const identity = JSON.stringify([
    plan.init,
    config,
    request.kind === "wick" ? Array.from(request.records) : null,
  ]);
  return { argv: process?.argv, config, notes, problems, identity };
}

/** A program for another machine can never start here; all else a run may still mend. */
function refuseForeign(problems: readonly ProgramProblem[]): void {
  const foreign = problems.find(({ kind }) => kind === "architecture");
  if (foreign === undefined) return;
  const { message, hint } = foreign;
  throw new WickError("NO_APPLICATION", `Cannot start the application: ${message}`, { hint });
}

/** A VOLUME need not be in the image: its engine makes the directory, and here the build does. */
function makeVolumes(tree: Tree, { Volumes = {} }: AppConfig, { mtimeSeconds }: ContentPlan): void {
  const mtime = { seconds: mtimeSeconds, nanoseconds: 0 };
  for (const path of Object.keys(Volumes).sort()) {
    if (findPath(tree, path) < 0) ensureDirectory(tree, path, { mtime });
  }
}

function userFiles({ tree, sink }: Target): UserFiles {
  const passwd = readFile(tree, sink, "/etc/passwd", USER_FILE_MAX_BYTES);
  const group = readFile(tree, sink, "/etc/group", USER_FILE_MAX_BYTES);
  return { ...(passwd && { passwd }), ...(group && { group }) };
}

/** The process to start; undefined when none is named and a run may still name one. */
function processOf(
  plan: ContentPlan,
  target: Target,
  { config, files }: { config: AppConfig; files: UserFiles },
): ResolvedProcess | undefined {
  try {
    return resolveProcess(config, files, { tty: false });
  } catch (error) {
    if (!isWickError(error, "NO_APPLICATION")) throw error;
    if (!plan.needsApplication && plan.init === "wick") return undefined;
    throw noApplication(error, plan, target);
  }
}

function noApplication(cause: WickError, plan: ContentPlan, { tree, sink }: Target): WickError {
  const likely = likelyExecutables(tree, sink, LIKELY);
  const own = plan.format === "initramfs" && findPath(tree, "/init") >= 0;
  const orOwn = own ? ", or --init none to start its own /init" : "";
  return new WickError(
    "NO_APPLICATION",
    `Cannot tell which program of ${plan.source} to run: neither the source nor a recipe names one`,
    {
      hint:
        likely.length === 0
          ? `give --entrypoint and --cmd${orOwn}`
          : `give --entrypoint; likely: ${likely.join(" ")}${orOwn}`,
      cause,
    },
  );
}

function requestOf(
  plan: ContentPlan,
  {
    config,
    process,
    files,
  }: { config: AppConfig; process: ResolvedProcess | undefined; files: UserFiles },
): InitRequest {
  switch (plan.init) {
    case "wick":
      return {
        kind: "wick",
        binary: readSmallFile(fileURLToPath(initBinary(plan.arch))),
        records: encodeRecords(recordsOf(config, process)),
        config,
      };
    case "script":
      return { kind: "script", process: process!, files };
    case "app":
      return { kind: "app", process: process!, config };
    case "none":
      return { kind: "none" };
  }
}

/** What init reads when no run says otherwise. */
function recordsOf(config: AppConfig, process: ResolvedProcess | undefined) {
  const ports = Object.keys(config.ExposedPorts ?? {})
    .filter((key) => key.endsWith("/tcp"))
    .map((key) => Number.parseInt(key, 10));
  if (process === undefined) return { ports };
  const { argv, env, directory, uid, gid, groups, stopSignal, hostname } = process;
  return { argv, env, directory, uid, gid, groups, stopSignal, hostname, ports };
}
