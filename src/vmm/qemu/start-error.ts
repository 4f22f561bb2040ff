import { type ErrorCode, WickError } from "../../errors/index.ts";
import type { ProcessExit } from "../../host/index.ts";

interface Reason {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly words: string;
  readonly hint: string;
}

/** What QEMU writes when it gives up before the guest runs (messages of 7.2). */
const reasons: readonly Reason[] = [
  {
    pattern: /could not configure \/dev\/net\/tun .*: Device or resource busy/,
    code: "IN_USE",
    words: "another program is attached to the TAP",
    hint: "each machine takes a TAP of its own",
  },
  {
    pattern:
      /could not (open|configure) \/dev\/net\/tun.*: (Operation not permitted|Permission denied)/,
    code: "PERMISSION",
    words: "this user may not attach to the TAP",
    hint: "it is its owner's: ip tuntap add dev NAME mode tap user USER",
  },
  {
    pattern: /Could not set up host forwarding rule/,
    code: "PORT_BUSY",
    words: "a published port is in use",
    hint: "choose another port, or leave the host's port out to have a free one chosen",
  },
  {
    pattern: /Could not access KVM kernel module: Permission denied/,
    code: "PERMISSION",
    words: "this user may not open /dev/kvm",
    hint: "add the user to the group kvm and log in again, or use --accel tcg",
  },
  {
    pattern:
      /Could not access KVM kernel module|failed to initialize kvm|invalid accelerator kvm|failed to set MSR|kvm_\w+: Assertion/,
    code: "UNSUPPORTED",
    words: "this host cannot run guests with KVM",
    hint: "use --accel tcg",
  },
  {
    pattern: /: Permission denied$/,
    code: "PERMISSION",
    words: "this user may not open one of its files",
    hint: "see which one in the lines above, and its permissions",
  },
  {
    pattern: /Failed to get "write" lock|Failed to lock byte/,
    code: "IO",
    words: "another machine is using one of its drives",
    hint: "end the other machine, or give this one a copy",
  },
  {
    pattern:
      /could not load kernel|without PVH ELF Note|[Ii]nvalid kernel header|linux kernel too old/,
    code: "KERNEL_INVALID",
    words: "QEMU cannot boot this kernel file",
    hint: "give a bzImage, or an Image on aarch64",
  },
  {
    pattern: /[Cc]annot (allocate|set up guest) memory|initrd is too large|kernel is too big/,
    code: "VMM_FAILED",
    words: "the memory does not suffice",
    hint: "give the machine another size with -m",
  },
];

/** Why QEMU ended before the guest ran, from its exit and its last words. */
export function startError(exit: ProcessExit, output: readonly string[]): WickError {
  const how = exit.signal === null ? `with status ${exit.code}` : `by ${exit.signal}`;
  const reason = reasons.find(({ pattern }) => output.some((line) => pattern.test(line)));
  const words = reason?.words ?? `QEMU ended ${how} before the guest ran`;
  return new WickError(reason?.code ?? "VMM_FAILED", `Cannot start the machine: ${words}`, {
    detail: output,
    ...(reason === undefined ? {} : { hint: reason.hint }),
  });
}
