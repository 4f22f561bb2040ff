import type { Command } from "commander";
import { verifyStore, type Verification } from "../../index.ts";
import { ExitCode } from "../fail.ts";
import { withProgress } from "../run-command.ts";
import { addOutputOptions, type OutputOptions } from "../shared-options.ts";
import { bytesInWords } from "../words.ts";

const EXAMPLES = `
Examples:
  wick store verify
  wick store verify --json | jq '.damage[]'
`;

/** `wick store verify`. */
export function addStore(program: Command): void {
  const store = program
    .command("store <command>")
    .summary("look after what wick keeps")
    .description("Looks after wick's store.")
    .helpOption("--help", "show this help")
    .usage("verify [options]");
  const verify = store
    .command("verify")
    .summary("digest everything in the store anew")
    .description(
      "Digests all blobs and built images anew, and looks whether names have all they\nneed. Ends with 1 when something is damaged. Commands that meet damage get it\nanew by themselves.",
    );
  addOutputOptions(verify)
    .addHelpText("after", EXAMPLES)
    .action(async ({ progress, quiet, json }: OutputOptions) => {
      const found = await withProgress({ progress, quiet, json }, verifyStore);
      process.stdout.write(json === true ? `${JSON.stringify(found)}\n` : textOf(found));
      if (found.damage.length > 0) process.exitCode = ExitCode.failure;
    });
}

function textOf({ blobs, images, names, damage }: Verification): string {
  const checked = `${blobs.checked} blobs (${bytesInWords(blobs.bytes)}), ${images.checked} built images, ${names.checked} names`;
  const lines = damage.map(
    ({ kind, what, problem, hint }) => `damaged ${kind} ${what}: ${problem}\n  ${hint}\n`,
  );
  return `${lines.join("")}${checked}: ${damage.length === 0 ? "all whole" : `${damage.length} damaged`}\n`;
}
