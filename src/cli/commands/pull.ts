import type { Command } from "commander";
import { pull, type PullResult } from "../../index.ts";
import { withProgress } from "../run-command.ts";
import { addOutputOptions, insecureOption, type OutputOptions } from "../shared-options.ts";

const EXAMPLES = `
Examples:
  wick pull nginx:alpine
  wick pull --platform linux/arm64 ghcr.io/owner/app@sha256:…
  wick pull --json localhost:5000/app | jq -r .digest
`;

interface Given extends OutputOptions {
  readonly platform?: string;
  readonly insecure?: string[];
}

/** `wick pull`. */
export function addPull(program: Command): void {
  const command = program
    .command("pull <image>")
    .summary("bring an image of a registry here")
    .description(
      "Asks the registry what IMAGE stands for and downloads what is not here.\nWhat is here is then built and run without the network.",
    )
    .option("--platform <platform>", "linux/amd64 or linux/arm64")
    .addOption(insecureOption());
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, { progress, quiet, json, ...options }: Given) => {
      const result = await withProgress({ progress, quiet, json }, (context) =>
        pull({ reference, ...options }, context),
      );
      process.stdout.write(textOf(result, { quiet, json }));
    });
}

/** Docker's lines; with `--quiet` only the name. */
function textOf(result: PullResult, { quiet, json }: Omit<OutputOptions, "progress">): string {
  if (json === true) return `${JSON.stringify(result)}\n`;
  const { reference, digest, isNewer } = result;
  if (quiet === true) return `${reference}\n`;
  const status = isNewer ? "Downloaded newer image" : "Image is up to date";
  return `Digest: ${digest}\nStatus: ${status} for ${reference}\n${reference}\n`;
}
