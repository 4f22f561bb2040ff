import type { Command } from "commander";
import { isWickError, removeImage, type Removed } from "../../index.ts";
import { ExitCode, errorJson, errorText } from "../fail.ts";
import { withProgress } from "../run-command.ts";

const EXAMPLES = `
Examples:
  wick rmi nginx:alpine
  wick rmi deb:nginx-light 3f2a91c40b77
  wick rmi $(wick images -q)
`;

interface Given {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `wick rmi`. */
export function addRmi(program: Command): void {
  program
    .command("rmi <image...>")
    .summary("remove images from the store")
    .description(
      "Removes names, what was built from them, and blobs that no other name needs.\nIMAGE is a registry's name, a source that was built, or the beginning of a digest.",
    )
    .option("-f, --force", "also what a running machine boots from; missing ones are no error")
    .option("--json", "one JSON object a line")
    .addHelpText("after", EXAMPLES)
    .action(async (images: string[], given: Given) => {
      await withProgress({ progress: "auto", quiet: false }, async (context) => {
        for (const image of images) {
          try {
            const options = { image, force: given.force === true };
            process.stdout.write(removedText(await removeImage(options, context), given));
          } catch (error) {
            // As Docker's: the others are removed all the same, and the status tells.
            if (context.signal?.aborted === true) throw error;
            if (given.force === true && isWickError(error, "SOURCE_NOT_FOUND")) continue;
            reportFailure(error, given);
          }
        }
      });
    });
}

function reportFailure(error: unknown, { json }: Given): void {
  process.stderr.write(json === true ? `${errorJson(error)}\n` : errorText(error, process.stderr));
  process.exitCode = ExitCode.failure;
}

/** Docker's lines. */
export function removedText(removed: Removed, { json }: { readonly json?: boolean }): string {
  if (json === true) return `${JSON.stringify(removed)}\n`;
  const untagged = removed.untagged.map((name) => `Untagged: ${name}\n`);
  return [...untagged, ...removed.deleted.map((what) => `Deleted: ${what}\n`)].join("");
}
