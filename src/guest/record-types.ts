import type { LimitName, endings, rootModes } from "./record-keys.ts";

/** One mount that init makes for the application, after its own. */
export interface InitMount {
  /** A device or a word of the file system's; {@link driveSource} for what came as a drive. */
  readonly source: string;
  readonly target: string;
  readonly fstype: string;
  /** Bits of mount(2). */
  readonly flags: number;
  readonly data: string;
}

/** One resource limit; `unlimited` is RLIM_INFINITY. */
export interface InitLimit {
  readonly resource: LimitName;
  readonly soft: number | "unlimited";
  readonly hard: number | "unlimited";
}

/**
 * What init reads, resolved: no names to look up, no defaults to guess. Every property that
 * is left out is absent from the file; in `run.rec` what is there replaces the whole key of
 * `init.rec`, so an empty list takes the image's away.
 */
export interface InitRecords {
  /** Never empty where given; argv[0] without `/` is looked up in the PATH of `env`. */
  readonly argv?: readonly string[];
  /** `NAME=value`, handed over exactly; without it PATH and HOME=/ alone. */
  readonly env?: readonly string[];
  /** Absolute; made (0755, the user's) when missing. */
  readonly directory?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups. */
  readonly groups?: readonly number[];
  /** 1–64; SIGTERM when absent. */
  readonly stopSignal?: number;
  readonly hostname?: string;
  readonly addresses?: readonly {
    /** Such as `eth0`. */
    readonly interface: string;
    /** `a.b.c.d/prefix`. */
    readonly address: string;
  }[];
  /** IPv4; the empty string takes the image's away. */
  readonly gateway?: string;
  readonly nameservers?: readonly string[];
  readonly search?: readonly string[];
  /** More lines of /etc/hosts: `address name…`. */
  readonly hosts?: readonly string[];
  /** TCP ports whose listening is reported. */
  readonly ports?: readonly number[];
  readonly mounts?: readonly InitMount[];
  readonly ending?: keyof typeof endings;
  readonly limits?: readonly InitLimit[];
  /** Writes to the root fail (Docker's --read-only). */
  readonly readOnly?: boolean;
  /** /etc/hostname, hosts and resolv.conf are this machine's, whatever the image has there. */
  readonly names?: boolean;
  /** The guest's address to which relayed connections are made; the empty string: no relay. */
  readonly relay?: string;
  /** Stage 1: modules in load order, as paths in the initramfs. */
  readonly modules?: readonly string[];
  /** Stage 1: the root file system; without it the initramfs is the root. */
  readonly root?: {
    /** File-system UUID, 8-4-4-4-12 hex digits. */
    readonly uuid: string;
    readonly fstype: string;
    readonly mode: keyof typeof rootModes;
  };
  /** Stage 1: where the overlay keeps its changes: an ext4 drive by UUID, or memory. */
  readonly overlay?: "tmpfs" | { readonly uuid: string };
  /** Stage 1: how long to look for root and overlay, in `ms`; 10 s when absent. */
  readonly rootWaitMs?: number;
}
