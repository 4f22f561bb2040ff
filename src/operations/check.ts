import { join, resolve } from "node:path";
import { resolveProcess, type AppConfig, type ResolvedProcess } from "../application/index.ts";
import { sanitise } from "../bytes/index.ts";
import { type BuildOptions, planBuild } from "../config/index.ts";
import { isWickError, WickError } from "../errors/index.ts";
import { FileStorage, guardedDirectory } from "../host/index.ts";
import { checkProgram } from "../shaping/index.ts";
import { build } from "./build.ts";
import { callerOf } from "./common/caller.ts";
import { ImageFiles } from "./checking/check-files.ts";
import { findings, problemFinding, processFinding } from "./checking/check-findings.ts";
import { examineProgram } from "./checking/check-program.ts";
import type { Context } from "./common/context.ts";
import { openFileSystem } from "./images/file-system.ts";
import type { Finding } from "./checking/finding.ts";
import { imageArchitecture } from "./images/image-architecture.ts";
import { type ImageFacts, readImageFacts } from "./images/image-facts.ts";
import { imageReference } from "./images/image-reference.ts";
import { openInitramfs } from "./initramfs/open-initramfs.ts";
import { packedInitramfs } from "./packed/packed-file.ts";

/** What `check` is asked for: what `build` is, without an output. */
export type CheckOptions = Omit<BuildOptions, "output">;

/** What was found; empty where nothing will be missed as far as can be seen. */
export interface CheckResult {
  /** The application's command; undefined where none is named. */
  readonly argv: readonly string[] | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Looks at an application, of a finished image or of any source, for what it will miss in its
 * machine. Only what can really be found out is told; nothing is started. A source is put
 * together as `build` does it, into a private directory.
 */
export async function check(options: CheckOptions, context: Context): Promise<CheckResult> {
  const given = await imageReference(options.source, context);
  using directory = guardedDirectory("check");
  const output = join(directory.path, options.init === "app" ? "app.cpio" : "app.ext4");
  const plan = planBuild({ ...options, output }, callerOf(context));
  if (given === undefined) await build({ ...options, output }, quiet(context));
  const image = resolve(context.workingDirectory, given ?? output);
  const isItsOwn = given !== undefined && options.platform === undefined;
  return await checkImage(image, { arch: plan.arch, isItsOwn }, context);
}

/** What the build warns of is found here, with more words. */
function quiet(context: Context): Context {
  return {
    ...context,
    onEvent: (event) => {
      if (event.type !== "warning") context.onEvent(event);
    },
  };
}

interface Machine {
  readonly arch: string;
  /** Whether a finished image says by itself what its machine is. */
  readonly isItsOwn: boolean;
}

async function checkImage(path: string, machine: Machine, context: Context): Promise<CheckResult> {
  const facts = await readImageFacts(path, context.signal);
  if (facts.format === "squashfs") throw unread(path);
  const found = machine.isItsOwn ? await imageArchitecture(path, facts, context.signal) : undefined;
  const arch = found ?? machine.arch;
  using storage = new FileStorage(path, "read");
  if (facts.format !== "initramfs")
    return findIn(new ImageFiles(openFileSystem(storage)), facts, arch);
  const options = { name: sanitise(path), signal: context.signal };
  const { packed } = facts;
  const parts = packed === undefined ? [storage] : await packedInitramfs(storage, packed, options);
  using opened = await openInitramfs(parts, options);
  return findIn(new ImageFiles(opened.image), facts, packed?.arch ?? arch);
}

function findIn(files: ImageFiles, facts: ImageFacts, arch: string): CheckResult {
  const found: Finding[] = [];
  const process = processOf(facts, found);
  if (process === undefined) return { argv: undefined, findings: found };
  const { problems, program: started } = checkProgram(files, process, { arch });
  found.push(...problems.map(problemFinding));
  if (started !== undefined) {
    const program = examineProgram(files, started);
    found.push(...findings({ files, process, program, hasInit: facts.reports }));
  }
  return { argv: process.argv, findings: found };
}

function unread(path: string): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot check ${sanitise(path)}: wick boots squashfs and does not read it`,
    { hint: "check the source that it was made from" },
  );
}

/** Of an image without a config its /init or /sbin/init is what runs. */
function processOf(facts: ImageFacts, found: Finding[]): ResolvedProcess | undefined {
  const init = facts.format === "initramfs" ? "/init" : "/sbin/init";
  const config: AppConfig = facts.config ?? { Entrypoint: [init] };
  try {
    return resolveProcess(config, facts.users, { tty: false });
  } catch (error) {
    if (!isWickError(error, "NO_APPLICATION", "USER_UNKNOWN")) throw error;
    found.push(
      processFinding(error.code === "USER_UNKNOWN" ? "user" : "application", error.message),
    );
    return undefined;
  }
}
