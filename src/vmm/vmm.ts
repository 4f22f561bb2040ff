import type { Duplex } from "node:stream";

/** A drive of the machine: always raw, the format always stated. */
export interface Drive {
  readonly path: string;
  readonly readOnly: boolean;
}

/** A published port; `hostPort` 0 asks for a free one. */
export interface PortForward {
  readonly protocol: "tcp" | "udp";
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** A network card of the machine's on a TAP that is there. */
export interface TapCard {
  /** The TAP's name. */
  readonly device: string;
  /** The card's own address, `06:00:…`. */
  readonly mac: string;
}

/** All that a VMM must know to start a machine. Paths are absolute. */
export interface MachineSpec {
  readonly arch: "x86_64" | "aarch64";
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine: string;
  readonly memoryMiB: number;
  /** What a balloon leaves of it until the guest is out of memory; absent: no balloon. */
  readonly reservationMiB?: number | undefined;
  readonly cpus: number;
  readonly drives: readonly Drive[];
  /** What the VMM itself forwards; none where the relay does. */
  readonly ports: readonly PortForward[];
  readonly network: "user" | "none" | TapCard;
  /** The machine gets a second byte stream, {@link Machine.relay}, for connections to its ports. */
  readonly relay?: boolean;
  readonly accel: "tcg" | "kvm";
  /** A private (0700) directory for sockets and logs of this machine. */
  readonly directory: string;
}

/** How a VMM process ended. */
export interface VmmExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The same as words: `QEMU ended with status 1`. */
  readonly words: string;
  /** The last lines of its own stderr, and of its log where it has one. */
  readonly stderrTail: readonly string[];
  /** What the user should know although the machine ended well. */
  readonly warning?: string;
}

/** One running machine. */
export interface Machine {
  readonly pid: number;
  /** As asked for, with the host ports that were in fact bound. */
  readonly ports: readonly PortForward[];
  /** Raw bytes of the host↔guest channel (`wick.0`). */
  readonly channel: Duplex;
  /** Raw bytes of the relay (`wick.1`, vsock port 1025), where the spec asks for one. */
  readonly relay?: Duplex;
  /** Raw bytes of the guest's serial console. */
  readonly console: AsyncIterable<Uint8Array>;
  /**
   * Whether somebody in the guest took a connection to a published TCP port, which its client
   * cannot tell where the VMM accepts before. Absent where no VMM stands between.
   */
  takes?(port: PortForward): Promise<boolean>;
  /** The console's last lines so far, sanitised, oldest first. */
  consoleTail(): readonly string[];
  /** Types `bytes` at the guest's serial console. */
  writeConsole(bytes: Uint8Array): void;
  readonly exited: Promise<VmmExit>;
  /** Ends the VMM: asks, then SIGKILL; resolves when the process is gone. */
  kill(): Promise<VmmExit>;
}

/** One kind of virtual machine monitor. */
export interface Vmm {
  readonly name: "qemu" | "firecracker";
  /** What the guest must do to end cleanly: the wrong one of the two hangs for ever. */
  guestEnds(arch: MachineSpec["arch"]): "power-off" | "restart";
  /** Words that the kernel needs on this VMM: its console, and how it ends after a panic. */
  kernelWords(arch: MachineSpec["arch"]): readonly string[];
  /** The version of the installed program, `7.2.22`; TOOL_MISSING when there is none. */
  version(arch?: MachineSpec["arch"]): Promise<string>;
  /** What the user should know of a version that works; undefined: nothing. */
  adviceOn?(version: string): string | undefined;
  start(spec: MachineSpec, signal?: AbortSignal): Promise<Machine>;
  /** The plain command that boots the same files by hand, one word an element. */
  commandByHand(spec: MachineSpec): readonly string[];
}
