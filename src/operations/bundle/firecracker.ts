import { firecracker } from "../../vmm/index.ts";
import { type BundleMachine, lineOf } from "./machine.ts";

/** The network between the host and the machine: a TAP with one address at each end. */
export const TAP = {
  device: "tap0",
  host: "172.16.0.1",
  prefix: 24,
  guest: "172.16.0.42",
  mask: "255.255.255.0",
  /** Of the locally administered ones; the last four bytes are the guest's address. */
  mac: "06:00:ac:10:00:2a",
} as const;

const ADDRESS = `ip=${TAP.guest}::${TAP.host}:${TAP.mask}::eth0:off`;

/**
 * The file for `firecracker --no-api --config-file`: paths are relative to Firecracker's working
 * directory. Its log would go to the terminal amid the console: errors alone do.
 */
export function firecrackerConfig(
  machine: BundleMachine,
  { network }: { readonly network: boolean },
): string {
  const { arch, kernel, initrd, root, memoryMiB, cpus } = machine;
  const line = lineOf(machine, firecracker().kernelWords(arch), network ? [ADDRESS] : []);
  const config = {
    "boot-source": {
      kernel_image_path: kernel,
      ...(initrd === undefined ? {} : { initrd_path: initrd }),
      boot_args: line,
    },
    drives: root === undefined ? [] : [driveOf(root)],
    "machine-config": { vcpu_count: cpus, mem_size_mib: memoryMiB },
    ...(network ? { "network-interfaces": [interfaceOf()] } : {}),
    entropy: {},
    logger: { level: "Error" },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** No root device to Firecracker, which would write root= for the kernel: init finds it by UUID. */
function driveOf(path: string) {
  return { drive_id: "rootfs", path_on_host: path, is_root_device: false, is_read_only: true };
}

function interfaceOf() {
  return { iface_id: "eth0", host_dev_name: TAP.device, guest_mac: TAP.mac };
}
