#!/usr/bin/env -S node --max-semi-space-size=2 --
// Above: what lives briefly is collected often, which costs no time and saves some 20 MiB.
// And the `--`: Node 20 takes an --env-file anywhere among the words for its own, else.
import { isLookingUpNames } from "../index.ts";
import { dieOf, interruptionOf } from "./interrupt.ts";
import { runCli } from "./program.ts";

const code = await runCli(process.argv.slice(2));
process.exitCode = code;
const signal = interruptionOf(code);
// Whoever interrupts does not wait until a name is looked up, for which Node would.
if (signal !== undefined && isLookingUpNames()) dieOf(signal);
