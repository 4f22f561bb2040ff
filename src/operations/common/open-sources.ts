import { sanitise } from "../../bytes/index.ts";
import { listOptions, type ContentPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { wickDirectories } from "../../host/index.ts";
import {
  openSource,
  type ParsedSource,
  parseSource,
  readRecipe,
  type Recipe,
  recipeLayer,
  type SourceContents,
} from "../../sources/index.ts";
import type { Store } from "../../store/index.ts";
import type { Context } from "./context.ts";
import { downloadStep } from "./downloading.ts";
import { runStep } from "./progress.ts";

/** Opened sources, lowest first; disposing puts away what they keep on the host. */
export interface OpenedSources extends Disposable {
  readonly sources: readonly SourceContents[];
}

/**
 * Opens the source and what is merged on top, lowest first: packages are resolved and fetched.
 * All references are understood before the first is opened.
 */
export async function openSources(
  plan: ContentPlan,
  store: Store | undefined,
  context: Context,
): Promise<OpenedSources> {
  const references = referencesOf(plan, context);
  const recipe = plan.recipe === undefined ? undefined : await readRecipe(plan.recipe);
  const opened: SourceContents[] = [];
  const release = (): void => {
    for (const contents of opened.splice(0)) contents.release?.();
  };
  try {
    for (const reference of references) {
      const programPath = opened.length === 0 ? ownPath(plan) : undefined;
      opened.push(await openOne(reference, { plan, store, programPath }, context));
    }
  } catch (error) {
    release();
    throw error;
  }
  const sources = opened.map((contents, i) =>
    i > 0 || recipe === undefined ? contents : withRecipe(contents, recipe),
  );
  return { sources, [Symbol.dispose]: release };
}

function referencesOf(plan: ContentPlan, { workingDirectory: cwd }: Context): ParsedSource[] {
  const hasDockerfile = plan.dockerfile.file !== undefined;
  const first = parseSource(plan.source, { cwd, hasDockerfile });
  refuseDockerfileOptions(plan, first);
  const all = [first, ...plan.with.map((text) => parseSource(text, { cwd }))];
  refuseListOptions(plan, all);
  refuseRootDirectory(plan, all);
  return all;
}

/** A program that is process 1 is the initramfs' /init itself. */
function ownPath({ init, format }: ContentPlan): string | undefined {
  return init === "app" && format === "initramfs" ? "/init" : undefined;
}

/** Where libraries are, without a program that wants some. */
function refuseRootDirectory({ rootDirectory }: ContentPlan, all: readonly ParsedSource[]): void {
  if (rootDirectory === undefined || all.some(({ kind }) => kind === "bin")) return;
  throw new WickError("USAGE", "Cannot use --root-dir: there is no program to find libraries of", {
    hint: "it belongs to a source such as bin:./app",
  });
}

/** Options of lists that nothing would look at. */
function refuseListOptions({ list }: ContentPlan, all: readonly ParsedSource[]): void {
  const given = listOptions(list);
  if (given.length === 0 || all.some(({ kind }) => kind === "list")) return;
  throw new WickError(
    "USAGE",
    `Cannot use ${given.join(", ")} with ${all.map((each) => sanitise(each.reference)).join(", ")}: this is for list:FILE`,
  );
}

/** Options of a Dockerfile that nothing would look at. */
function refuseDockerfileOptions({ dockerfile, allowed }: ContentPlan, first: ParsedSource): void {
  if (first.kind === "dockerfile") return;
  const { file, buildArgs, target, secrets, noCache } = dockerfile;
  const given = [
    ...(file === undefined ? [] : ["-f"]),
    ...(buildArgs.length > 0 ? ["--build-arg"] : []),
    ...(target === undefined ? [] : ["--target"]),
    ...(secrets.length > 0 ? ["--secret"] : []),
    ...(noCache ? ["--no-cache"] : []),
    ...(allowed.length > 0 ? ["--allow"] : []),
  ];
  if (given.length === 0) return;
  throw new WickError(
    "USAGE",
    `Cannot use ${given.join(", ")} with ${sanitise(first.reference)}: this is for a folder with a Dockerfile`,
  );
}

/** The user's own recipe stands in the place of the one that wick has for the source. */
function withRecipe(contents: SourceContents, recipe: Recipe): SourceContents {
  const { config: _, ...rest } = contents;
  return {
    ...rest,
    ...(recipe.config === undefined ? {} : { config: recipe.config }),
    finish: (read) => recipeLayer(recipe, read),
    identity:
      rest.identity === undefined ? undefined : JSON.stringify({ of: rest.identity, recipe }),
  };
}

function openOne(
  reference: ReturnType<typeof parseSource>,
  {
    plan,
    store,
    programPath,
  }: {
    readonly plan: ContentPlan;
    readonly store: Store | undefined;
    readonly programPath: string | undefined;
  },
  context: Context,
): Promise<SourceContents> {
  const shown = reference.reference;
  const verb = reference.kind === "dockerfile" ? "Build" : "Find";
  const names = { step: `source ${shown}`, title: `${verb} ${shown}` };
  return runStep(context.onEvent, names, async (step) => {
    const source = openSource(reference, {
      cacheDirectory: wickDirectories(context.environment).cache,
      store,
      architecture: plan.arch,
      owner: plan.owner,
      list: plan.list,
      rootDirectory: plan.rootDirectory,
      programPath,
      mtimeSeconds: plan.mtimeSeconds,
      refresh: plan.refresh,
      environment: context.environment,
      dockerfile: { settings: plan.dockerfile, allowed: plan.allowed },
      onLine: (line) => step.line(line),
      onProgress: ({ doneBytes, totalBytes }) => step.bytes(doneBytes, totalBytes),
      registry: {
        pull: plan.pull,
        insecure: plan.insecure,
        onNote: (message) => context.onEvent({ type: "note", message }),
        onDownload: downloadStep(context.onEvent, {
          step: `download ${shown}`,
          title: `Download ${shown}`,
        }),
      },
    });
    const contents = await source.open(context.signal);
    for (const message of contents.warnings ?? []) context.onEvent({ type: "warning", message });
    if (contents.parts.length > 1) step.detail(`${contents.parts.length} ${partsOf(reference)}`);
    return contents;
  });
}

function partsOf({ kind }: ParsedSource): string {
  if (kind === "bin") return "files";
  return kind === "deb" ? "packages" : "layers";
}
