/** The checks of a suite, in order, those alone whose names hold one of `names`. */
import { firecrackerChecks } from "./firecracker-checks.mjs";
import { kvmChecks } from "./kvm-checks.mjs";
import { Report } from "./report.mjs";

const suites = { kvm: kvmChecks, firecracker: firecrackerChecks };

export async function runSuite(suite, { images, names }) {
  const report = new Report();
  const isChosen = (name) => names.length === 0 || names.some((part) => name.includes(part));
  for (const { name, run, skip } of suites[suite](images)) {
    if (!isChosen(name)) continue;
    if (skip === undefined) await report.check(name, run);
    else report.skip(`${name}: ${skip}`);
  }
  report.end();
}
