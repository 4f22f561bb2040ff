/**
 * Starts one machine in a process of its own, so that tests can start it as somebody else, or
 * kill it: `node run-machine.mjs SPEC-AS-JSON`. Prints `pid N`, the console, `exit {…}`.
 */
import { qemu } from "../../dist/vmm/index.js";

const machine = await qemu().start(JSON.parse(process.argv[2]));
process.stdout.write(`pid ${machine.pid}\n`);
for await (const chunk of machine.console) process.stdout.write(chunk);
process.stdout.write(`exit ${JSON.stringify(await machine.exited)}\n`);
