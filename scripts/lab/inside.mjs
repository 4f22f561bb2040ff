/** Runs the checks where KVM works; the lab's first program ends here. */
import { runSuite } from "./suites.mjs";

const [suite, ...names] = process.argv.slice(2);
await runSuite(suite, { images: "/images", names });
