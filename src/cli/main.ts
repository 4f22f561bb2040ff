#!/usr/bin/env -S node --
// The `--` above: Node 20 takes an --env-file anywhere among the words for its own, else.
import { ExitCode } from "./fail.ts";
import { runCli } from "./program.ts";

const code = await runCli(process.argv.slice(2));
process.exitCode = code;
// A look-up of a host's name cannot be called off: whoever interrupts does not wait for its end.
// oxlint-disable-next-line no-process-exit -- everything was undone before
if (Object.values<number>(ExitCode.interrupted).includes(code)) process.exit();
