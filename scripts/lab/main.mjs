/**
 * `npm run test:kvm`, `npm run test:firecracker`: what only a working KVM can show. Where this
 * host's runs guests the checks run here; else in the lab, a machine that wick builds and boots
 * on QEMU without KVM, whose emulated AMD processor gives it a /dev/kvm that works.
 *
 *   node scripts/lab/main.mjs kvm|firecracker [NAME…]
 *
 * NAMEs are checks, or parts of their names. Firecracker is the program that WICK_FIRECRACKER
 * names, else that of PATH; its jailer lies beside it. With WICK_LAB_ARCH=aarch64 or x86_64 it is
 * the lab that has this architecture, and Firecracker is one for it. Needs a built dist/ and QEMU.
 * Ends with the line `N passed, N failed, N skipped`, and with 1 when anything failed.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeImages } from "./images.mjs";
import { runInLab } from "./machine.mjs";
import { isForeign } from "./platforms.mjs";
import { Report } from "./report.mjs";
import { runSuite } from "./suites.mjs";
import { findProgram, passSignalsOn, temporaryDirectory, wickJson } from "./tools.mjs";

const [suite, ...names] = process.argv.slice(2);
if (suite !== "kvm" && suite !== "firecracker") {
  console.error("Which checks? kvm or firecracker");
  process.exit(2);
}

const firecracker = process.env.WICK_FIRECRACKER || findProgram("firecracker");
if (suite === "firecracker" && (firecracker === undefined || !existsSync(firecracker))) {
  const report = new Report();
  report.skip("no firecracker");
  report.end();
} else {
  await check();
}

async function check() {
  passSignalsOn();
  const kvm = (await wickJson(["doctor", "--json"])).find((line) => line.check === "KVM");
  console.log(`KVM of this host: ${kvm.state}, ${kvm.found}`);
  const directory = temporaryDirectory();
  try {
    await checkWith(directory.path, kvm.state === "ok");
  } finally {
    directory.remove();
  }
}

async function checkWith(directory, isKvmHere) {
  const images = await makeImages(join(directory, "images"), suite);
  if (isKvmHere && !isForeign) return runSuite(suite, { images, names });
  const jailer = suite === "firecracker" ? join(dirname(firecracker), "jailer") : "";
  const programs = suite === "firecracker" ? [firecracker, jailer].filter(existsSync) : [];
  process.exitCode = await runInLab(directory, { suite, images, names, programs });
}
