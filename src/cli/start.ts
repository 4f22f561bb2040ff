#!/usr/bin/env -S node --max-semi-space-size=2 --
// Above: what lives briefly is collected often, which costs no time and saves some 20 MiB.
// And the `--`: Node 20 takes an --env-file anywhere among the words for its own, else.
import { fileURLToPath } from "node:url";
import { runScript } from "./run-script.ts";

runScript(fileURLToPath(new URL("command.cjs", import.meta.url)));
