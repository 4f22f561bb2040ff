import { Option, type Command } from "commander";
import { check, initKinds, type CheckOptions, type Finding } from "../../index.ts";
import { ExitCode } from "../fail.ts";
import { withProgress } from "../run-command.ts";
import {
  addConfigOptions,
  addContentOptions,
  addOutputOptions,
  type OutputOptions,
} from "../shared-options.ts";
import { tableText } from "../table.ts";

const EXAMPLES = `
Examples:
  wick check bin:./server
  wick check --init app bin:./server
  wick check nginx.ext4
  wick check --json deb:nginx-light | jq -r 'select(.severity == "error").message'
`;

type GivenOptions = Omit<CheckOptions, "source"> & OutputOptions;

/** `wick check`. */
export function addCheck(program: Command): void {
  const command = program
    .command("check <source>")
    .summary("look for what an application will miss in its machine")
    .description(
      "Looks at the application of SOURCE, or of a finished image, without starting it:\nits interpreter and libraries, its user, and files that it will look for.\nExit status 1 when it cannot start, else 0.",
    )
    .addOption(new Option("--init <kind>", "as for build").choices(initKinds).default("wick"));
  addContentOptions(addConfigOptions(command));
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, given: GivenOptions) => {
      const { progress, quiet, json, ...options } = given;
      const { findings } = await withProgress({ progress, quiet, json }, (context) =>
        check({ source, ...options }, context),
      );
      process.stdout.write(json === true ? lines(findings) : table(findings));
      if (findings.some(({ severity }) => severity === "error"))
        process.exitCode = ExitCode.failure;
    });
}

function lines(findings: readonly Finding[]): string {
  return findings.map((finding) => `${JSON.stringify(finding)}\n`).join("");
}

function table(findings: readonly Finding[]): string {
  if (findings.length === 0) return "nothing found that it would miss\n";
  const rows = findings.map(({ severity, what, message, hint }) => [severity, what, message, hint]);
  return tableText(["SEVERITY", "WHAT", "FOUND", "WHAT TO DO"], rows);
}
