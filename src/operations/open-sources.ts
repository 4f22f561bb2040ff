import type { ContentPlan } from "../config/index.ts";
import { wickDirectories } from "../host/index.ts";
import { openSource, type SourceContents } from "../sources/index.ts";
import type { Context } from "./context.ts";
import { runStep } from "./progress.ts";

/** Opens the source and what is merged on top, lowest first: packages are resolved and fetched. */
export async function openSources(
  plan: ContentPlan,
  context: Context,
): Promise<readonly SourceContents[]> {
  const opened: SourceContents[] = [];
  for (const reference of [plan.source, ...plan.with]) {
    opened.push(await openOne(reference, plan, context));
  }
  return opened;
}

function openOne(reference: string, plan: ContentPlan, context: Context): Promise<SourceContents> {
  const names = { step: `source ${reference}`, title: `Find ${reference}` };
  return runStep(context.onEvent, names, async (step) => {
    const source = openSource(reference, {
      workingDirectory: context.workingDirectory,
      cacheDirectory: wickDirectories(context.environment).cache,
      arch: plan.arch,
      owner: plan.owner,
      recipeFile: plan.recipe,
      refresh: plan.refresh,
      onBytes: (done: number, total?: number) => step.bytes(done, total),
    });
    const contents = await source.open(context.signal);
    for (const message of contents.warnings ?? []) context.onEvent({ type: "warning", message });
    if (contents.parts.length > 1) step.detail(`${contents.parts.length} packages`);
    return contents;
  });
}
