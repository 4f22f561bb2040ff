import type { Command } from "commander";
import { doctor, type DoctorLine } from "../../index.ts";
import { ExitCode } from "../fail.ts";
import { catchInterruption } from "../interrupt.ts";
import { quietContext } from "../run-command.ts";

const EXAMPLES = `
Examples:
  wick doctor
  wick doctor --json | jq -r 'select(.state != "ok") | .check + ": " + .hint'
`;

/** `wick doctor`. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("what this host has for wick, and what to do about the rest")
    .description(
      "Looks at what wick needs of this host, and really runs a guest under its KVM.\nChanges nothing. Exit status 0 when wick run can work here, else 1.",
    )
    .option("--json", "one JSON object a line")
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }: { readonly json?: boolean }) => {
      using interruption = catchInterruption();
      const { lines, canRun } = await doctor(quietContext(interruption.signal));
      process.stdout.write(json === true ? jsonLines(lines) : text(lines, canRun));
      if (!canRun) process.exitCode = ExitCode.failure;
    });
}

function jsonLines(lines: readonly DoctorLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function text(lines: readonly DoctorLine[], canRun: boolean): string {
  const width = Math.max(...lines.map(({ check }) => check.length));
  const shown = lines.map((line) => lineText(line, width)).join("");
  const lacking = lines
    .filter(({ isNeeded, state }) => isNeeded && state === "missing")
    .map(({ check }) => check);
  const end = canRun
    ? "wick run can work here"
    : `wick run cannot work here: ${lacking.join(", ")}`;
  return `${shown}${end}\n`;
}

/** `ok       xz  /usr/bin/xz: unpacks .xz`, and below it what to do about it. */
function lineText({ check, state, found, purpose, hint }: DoctorLine, width: number): string {
  const head = `${state.padEnd(7)}  ${check.padEnd(width)}  ${found}: ${purpose}\n`;
  return hint === undefined ? head : `${head}${" ".repeat(9 + width + 2)}-> ${hint}\n`;
}
