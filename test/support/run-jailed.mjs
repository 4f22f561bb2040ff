/**
 * Starts one jailed machine in a process of its own, so that a test can kill it:
 * `node run-jailed.mjs CACHE SPEC-AS-JSON OPTIONS-AS-JSON`. Prints `pid N` and stays.
 */
import { openStore } from "../../dist/store/index.js";
import { firecracker } from "../../dist/vmm/index.js";

const [cache, spec, options] = process.argv.slice(2);
const store = openStore({ directory: cache });
const { jail, ...others } = JSON.parse(options);
const claim = (path, group) => store.claim(path, group);
const machine = await firecracker({ ...others, jail: { ...jail, claim } }).start(JSON.parse(spec));
process.stdout.write(`pid ${machine.pid}\n`);
await machine.exited;
