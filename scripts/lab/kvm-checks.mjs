/** QEMU with KVM: what the probe says, and what it is about. */
import { join } from "node:path";
import { expectPage, expectRun, startPatiently } from "./expect.mjs";
import { wickJson } from "./tools.mjs";

export function kvmChecks(images) {
  return [
    { name: "doctor says that KVM runs guests", run: doctorSaysYes },
    {
      name: "QEMU with KVM gives the status of a root file system's application",
      run: () =>
        expectRun(["--accel", "kvm", join(images, "seven.ext4")], { status: 7, text: "hello" }),
    },
    {
      name: "--accel auto takes KVM, and a published port serves the page",
      run: () => {
        const machine = ["--accel", "auto", "-p", "8080:80", join(images, "nginx.vmlinux")];
        return expectPage(startPatiently(machine), "http://127.0.0.1:8080/");
      },
    },
  ];
}

async function doctorSaysYes() {
  const kvm = (await wickJson(["doctor", "--json"])).find(({ check }) => check === "KVM");
  if (kvm.state !== "ok") throw new Error(`${kvm.state}: ${kvm.found}`);
  return kvm.found;
}
