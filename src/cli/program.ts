import { Command, CommanderError } from "commander";
import { WickError } from "../index.ts";
import { addBuild } from "./commands/build.ts";
import { addCat } from "./commands/cat.ts";
import { addInspect } from "./commands/inspect.ts";
import { addLs } from "./commands/ls.ts";
import { addRun, prepareRunWords } from "./commands/run.ts";
import { addVersion } from "./commands/version.ts";
import { errorJson, errorText, ExitCode } from "./fail.ts";
import { ignoreBrokenPipes } from "./streams.ts";

function makeProgram(): Command {
  const program = new Command("wick")
    .description("Turns one application into the smallest machine that runs it, and boots it.")
    .enablePositionalOptions()
    .helpOption("--help", "show this help")
    .showHelpAfterError("(wick --help shows what there is)")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const add of [addBuild, addRun, addInspect, addLs, addCat, addVersion]) add(program);
  for (const command of program.commands) {
    command
      .helpOption("--help", "show this help")
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
  }
  return program;
}

/** Parses `args`, does what they say and gives the exit code; never exits by itself. */
export async function runCli(args: readonly string[]): Promise<number> {
  ignoreBrokenPipes();
  const program = makeProgram();
  try {
    const words = args[0] === "run" ? prepareRunWords(program, args) : [...args];
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return report(error instanceof CommanderError ? usageError(error) : error, args);
  }
}

/** What commander says about a wrong command line, as wick's own error. */
function usageError(error: CommanderError): WickError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = rest.join(" ").replace(/[()]/g, "").trim();
  const hint = suggestion === "" ? "wick --help shows what there is" : suggestion;
  return new WickError("USAGE", `Cannot understand the command line: ${first}`, { hint });
}

function report(error: unknown, args: readonly string[]): number {
  const json = args.includes("--json");
  process.stderr.write(json ? `${errorJson(error)}\n` : errorText(error, process.stderr));
  const interrupted = error instanceof WickError && error.code === "INTERRUPTED";
  const signal = /SIG\w+/.exec(error instanceof Error ? error.message : "")?.[0];
  if (interrupted && signal !== undefined && signal in ExitCode.interrupted) {
    return ExitCode.interrupted[signal as keyof typeof ExitCode.interrupted];
  }
  return args[0] === "run" ? ExitCode.runFailure : ExitCode.failure;
}
