#!/usr/bin/env -S node --
// The `--` above: Node 20 takes an --env-file anywhere among the words for its own, else.
import { runCli } from "./program.ts";

process.exitCode = await runCli(process.argv.slice(2));
