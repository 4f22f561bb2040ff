import { isLookingUpNames } from "../index.ts";
import { dieOf, interruptionOf } from "./interrupt.ts";
import { runCli } from "./program.ts";

/** The command, from its words to the status with which Node is to end. */
async function main(): Promise<void> {
  const code = await runCli(process.argv.slice(2));
  process.exitCode = code;
  const signal = interruptionOf(code);
  // Whoever interrupts does not wait until a name is looked up, for which Node would.
  if (signal !== undefined && isLookingUpNames()) dieOf(signal);
}

void main();
