import { WickError, type ErrorCode } from "../../errors/index.ts";
import type { ProcessExit } from "../../host/index.ts";
import type { Refusal } from "./api.ts";

/** How Firecracker ends, by its exit status (FcExitCode). */
const exitWords: Readonly<Record<number, string>> = {
  148: "it made a system call that its filter forbids",
  149: "it was killed by SIGBUS: a drive's file was cut, or the host has no memory left",
  150: "it was killed by SIGSEGV",
  151: "it was killed by SIGXFSZ: a file passed the limit on file sizes",
  152: "its configuration is wrong",
  153: "it does not know one of its arguments",
  154: "it was killed by SIGXCPU: the limit on CPU time",
  155: "it was killed by SIGPIPE",
  156: "it was killed by SIGHUP",
  157: "it was killed by SIGILL",
};

/** `Firecracker ended with status 148: it made …`. */
export function endWords({ code, signal }: ProcessExit): string {
  const known = code === null ? undefined : exitWords[code];
  const how = signal === null ? `with status ${code}` : `by ${signal}`;
  return `Firecracker ended ${how}${known === undefined ? "" : `: ${known}`}`;
}

interface Reason {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly words: string;
  readonly hint?: string;
}

/** What Firecracker writes or answers when it cannot start the guest (messages of 1.16). */
const reasons: readonly Reason[] = [
  {
    pattern: /KVM object: .*(?:Permission denied|os error 13)/,
    code: "PERMISSION",
    words: "this user may not open /dev/kvm",
    hint: "add the user to the group kvm and log in again, or use --vmm qemu",
  },
  {
    pattern: /KVM object|KVM API version|KVM capabilities|Kvm error/,
    code: "UNSUPPORTED",
    words: "this host cannot run guests with KVM, and Firecracker has nothing else",
    hint: "use --vmm qemu",
  },
  {
    pattern: /Error: Cgroup/,
    code: "UNSUPPORTED",
    words: "the jailer cannot make the machine's cgroup",
    hint: "--cgroup needs cgroup v2 with that controller; without it there is no cgroup",
  },
  {
    pattern: /Address in use|AddrInUse|os error 98/,
    code: "VMM_FAILED",
    words: "a socket file that Firecracker makes is there already",
    hint: "give the machine a new directory",
  },
  {
    pattern: /(?:[Tt]ap|TUN).*(?:Device or resource busy|os error 16)/,
    code: "IN_USE",
    words: "another program is attached to the TAP",
    hint: "each machine takes a TAP of its own",
  },
  {
    pattern:
      /(?:[Tt]ap|TUN).*(?:Operation not permitted|Permission denied|os error 1\b|os error 13\b)/,
    code: "PERMISSION",
    words: "the user that Firecracker runs as may not attach to the TAP",
    hint: "it is its owner's: ip tuntap add dev NAME mode tap user USER (with --jailer, its UID)",
  },
  {
    pattern: /drive|block device/i,
    code: "VMM_FAILED",
    words: "Firecracker does not take one of its drives",
  },
  {
    pattern: /initrd/i,
    code: "VMM_FAILED",
    words: "the initramfs does not fit into the memory",
    hint: "give the machine more memory with -m",
  },
  {
    pattern: /Cannot load kernel|Kernel [Ll]oader|kernel image|kernel file/,
    code: "KERNEL_INVALID",
    words: "Firecracker cannot boot this kernel file",
    hint: "wick kernel import makes an ELF vmlinux (x86_64) or an Image (aarch64) of most kernels",
  },
  {
    pattern: /command ?line/i,
    code: "VALUE_OUT_OF_RANGE",
    words: "the kernel command line is too long with what Firecracker adds",
    hint: "shorten --append",
  },
  {
    pattern: /[Cc]annot allocate memory|guest memory|Memory Configuration/,
    code: "VMM_FAILED",
    words: "the memory does not suffice",
    hint: "give the machine another size with -m",
  },
];

/** Firecracker's own words, and the last lines of its log. */
export function refusedError({ request, message }: Refusal, log: readonly string[]): WickError {
  const reason = reasons.find(({ pattern }) => pattern.test(message));
  const said = `Firecracker refused ${request.method} ${request.path}: "${message}"`;
  const words = reason === undefined ? said : `${reason.words}: "${message}"`;
  return wickError(reason, words, log);
}

/** Why Firecracker ended before the guest ran. */
export function endedError(exit: ProcessExit, output: readonly string[]): WickError {
  const reason = reasons.find(({ pattern }) => output.some((line) => pattern.test(line)));
  return wickError(reason, reason?.words ?? `${endWords(exit)} before the guest ran`, output);
}

function wickError(
  reason: Reason | undefined,
  words: string,
  detail: readonly string[],
): WickError {
  return new WickError(reason?.code ?? "VMM_FAILED", `Cannot start the machine: ${words}`, {
    detail,
    ...(reason?.hint === undefined ? {} : { hint: reason.hint }),
  });
}
