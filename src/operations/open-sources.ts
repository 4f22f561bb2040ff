import type { ContentPlan } from "../config/index.ts";
import { wickDirectories } from "../host/index.ts";
import {
  openSource,
  parseSource,
  readRecipe,
  type Recipe,
  recipeLayer,
  type SourceContents,
} from "../sources/index.ts";
import type { Context } from "./context.ts";
import { runStep } from "./progress.ts";

/**
 * Opens the source and what is merged on top, lowest first: packages are resolved and fetched.
 * All references are understood before the first is opened.
 */
export async function openSources(
  plan: ContentPlan,
  context: Context,
): Promise<readonly SourceContents[]> {
  const cwd = context.workingDirectory;
  const references = [plan.source, ...plan.with].map((text) => parseSource(text, { cwd }));
  const recipe = plan.recipe === undefined ? undefined : await readRecipe(plan.recipe);
  const opened: SourceContents[] = [];
  for (const reference of references) opened.push(await openOne(reference, plan, context));
  if (recipe === undefined) return opened;
  return opened.map((contents, i) => (i > 0 ? contents : withRecipe(contents, recipe)));
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
  plan: ContentPlan,
  context: Context,
): Promise<SourceContents> {
  const shown = reference.reference;
  const names = { step: `source ${shown}`, title: `Find ${shown}` };
  return runStep(context.onEvent, names, async (step) => {
    const source = openSource(reference, {
      cacheDirectory: wickDirectories(context.environment).cache,
      architecture: plan.arch,
      owner: plan.owner,
      refresh: plan.refresh,
      onProgress: ({ doneBytes, totalBytes }) => step.bytes(doneBytes, totalBytes),
    });
    const contents = await source.open(context.signal);
    for (const message of contents.warnings ?? []) context.onEvent({ type: "warning", message });
    if (contents.parts.length > 1) step.detail(`${contents.parts.length} packages`);
    return contents;
  });
}
