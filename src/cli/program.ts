import { Command, CommanderError } from "commander";
import { WickError } from "../index.ts";
import { addBuild } from "./commands/build.ts";
import { addCat } from "./commands/cat.ts";
import { addCheck } from "./commands/check.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addImages } from "./commands/images.ts";
import { addInspect } from "./commands/inspect.ts";
import { addKernel } from "./commands/kernel.ts";
import { addLs } from "./commands/ls.ts";
import { addLogin, addLogout } from "./commands/login.ts";
import { addPack, addUnpack } from "./commands/pack.ts";
import { addPrune } from "./commands/prune.ts";
import { addPull } from "./commands/pull.ts";
import { addRmi } from "./commands/rmi.ts";
import { addRun, prepareRunWords } from "./commands/run.ts";
import { addStore } from "./commands/store.ts";
import { addVersion } from "./commands/version.ts";
import { errorJson, errorText, ExitCode } from "./fail.ts";
import { sourceIndex } from "./source-index.ts";
import { guardOutputs } from "./streams.ts";

const EXAMPLES = `
Examples:
  wick run -p 8080:80 nginx:alpine
  wick build ./folder-with-a-dockerfile -o app.ext4
  wick build --help
`;

function makeProgram(): Command {
  const program = new Command("wick")
    .description("Turns one application into the smallest machine that runs it, and boots it.")
    .enablePositionalOptions()
    .helpOption("--help", "show this help")
    .option("-v, --version", "show the version, as the command does")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(wick --help shows what there is)")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const add of [
    addBuild,
    addRun,
    addCheck,
    addInspect,
    addLs,
    addCat,
    addPull,
    addImages,
    addRmi,
    addPrune,
    addKernel,
    addPack,
    addUnpack,
    addStore,
    addLogin,
    addLogout,
    addDoctor,
    addVersion,
  ])
    add(program);
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) {
    command
      .helpOption("--help", "show this help")
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
  }
  return program;
}

/** Parses `args`, does what they say and gives the exit code; never exits by itself. */
export async function runCli(given: readonly string[]): Promise<number> {
  const args = withCommand(given);
  guardOutputs(failureOf(args));
  const program = makeProgram();
  try {
    const words = args[0] === "run" ? prepareRunWords(program, args) : [...args];
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const wrong =
      error instanceof CommanderError ? usageError(error, commandOf(program, args)) : error;
    return report(wrong, { json: wantsJson(program, args), failure: failureOf(args) });
  }
}

/** Commands that go without their names: `wick --version`, and `wick` alone. */
function withCommand(args: readonly string[]): readonly string[] {
  const [first] = args;
  if (first === undefined) return ["help"];
  return first === "-v" || first === "--version" ? ["version"] : args;
}

function failureOf(args: readonly string[]): number {
  return args[0] === "run" ? ExitCode.runFailure : ExitCode.failure;
}

function commandOf(program: Command, args: readonly string[]): Command | undefined {
  return program.commands.find((command) => command.name() === args[0]);
}

/** Whether wick's own words ask for JSON: what follows the source of `run` is not among them. */
function wantsJson(program: Command, args: readonly string[]): boolean {
  const words = args.slice(1);
  const end = args[0] === "run" ? sourceIndex(words, commandOf(program, args)?.options ?? []) : -1;
  const own = words.slice(0, end < 0 ? words.length : end);
  const isRaw = own.some((word, i) => word === "rawjson" && own[i - 1] === "--progress");
  return isRaw || own.includes("--json") || own.includes("--progress=rawjson");
}

/** What commander says about a wrong command line, as wick's own error. */
function usageError(error: CommanderError, command: Command | undefined): WickError {
  const isAlone = error.code === "commander.help";
  const message = isAlone ? "a command is missing" : error.message;
  const [first = "", ...rest] = message.replace(/^error: /, "").split("\n");
  const suggestion = rest.join(" ").replace(/[()]/g, "").trim();
  const help = command === undefined ? "wick --help" : `wick ${command.name()} --help`;
  const hint = suggestion === "" ? `${help} shows what there is` : suggestion;
  return new WickError("USAGE", `Cannot understand the command line: ${first}`, { hint });
}

function report(error: unknown, how: { readonly json: boolean; readonly failure: number }): number {
  const { json } = how;
  process.stderr.write(json ? `${errorJson(error)}\n` : errorText(error, process.stderr));
  const interrupted = error instanceof WickError && error.code === "INTERRUPTED";
  const signal = /SIG\w+/.exec(error instanceof Error ? error.message : "")?.[0];
  if (interrupted && signal !== undefined && signal in ExitCode.interrupted) {
    return ExitCode.interrupted[signal as keyof typeof ExitCode.interrupted];
  }
  return how.failure;
}
