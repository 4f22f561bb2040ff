import type { Command } from "commander";
import { version } from "../../index.ts";

/** `wick version`. */
export function addVersion(program: Command): void {
  program
    .command("version")
    .summary("show the version")
    .description("Shows the versions of wick, Node and the formats it writes.")
    .option("--json", "as one JSON object")
    .addHelpText("after", "\nExamples:\n  wick version\n  wick version --json | jq -r .wick\n")
    .action(async (options: { json?: boolean }) => {
      const wick = await version();
      const facts = { wick, node: process.versions.node, imageConfig: 1, channel: 1 };
      const text = `wick ${wick} (Node ${facts.node}, image config ${facts.imageConfig}, channel ${facts.channel})`;
      process.stdout.write(`${options.json === true ? JSON.stringify(facts) : text}\n`);
    });
}
