import * as v from "valibot";
import { accelerators } from "./accelerators.ts";
import { buildFormats, imageFormats } from "./image-formats.ts";
import { allowances } from "../sources/index.ts";
import { initKinds } from "./init-kinds.ts";
import { isNetwork } from "./network-options.ts";
import { pullPolicies } from "./pull-policies.ts";
import { vmmNames } from "./vmm-names.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));
const texts = v.optional(v.array(text));

/** What the image's config is changed by, in Docker's words. */
const configEntries = {
  /** One text is split at spaces only by the CLI; `[]` or `""` clears entrypoint and command. */
  entrypoint: v.optional(v.union([v.string(), v.array(v.string())])),
  /** Arguments of the entrypoint. */
  cmd: v.optional(v.array(v.string())),
  /** `NAME=value`, or `NAME` alone for the caller's value. */
  env: texts,
  /** Files of such lines. */
  envFile: texts,
  workdir: v.optional(text),
  user: v.optional(text),
  stopSignal: v.optional(text),
} as const;

/** What a root file system is made from. */
const contentEntries = {
  /** Merged on top, in order. */
  with: texts,
  /** `FILE:PATH`: a file or directory of the host to a path in the image. */
  add: texts,
  /** A recipe of one's own, in place of the one that belongs to the package. */
  recipe: v.optional(text),
  expose: texts,
  /** `KEY=VALUE`: labels of the image; one without `=` is the volume label (16 bytes). */
  label: texts,
  /** Where the relative locations of a `list:` start; by default its own directory. */
  listDir: v.optional(text),
  /** A list may name files anywhere on the host. */
  listAnyFile: v.optional(v.boolean()),
  /** `NAME=value`, or `NAME` alone for the caller's value: a variable of a list. */
  listVar: texts,
  /** Of a directory's files: `keep`, or `UID:GID` for all of them. */
  owner: v.optional(text),
  /** Where the libraries of a program (`bin:`) are looked for, by default the host's `/`. */
  rootDir: v.optional(text),
  /** `512m`, `2g`, or `min`. */
  size: v.optional(text),
  journal: v.optional(v.boolean()),
  /** By default what the output's name ends in, else ext4. */
  format: v.optional(v.picklist(imageFormats, `wanted one of ${imageFormats.join(", ")}`)),
  /** `zstd`, `lz4hc,12`: what compresses EROFS or squashfs, and how hard. */
  compression: v.optional(text),
  /** `linux/amd64`, `linux/arm64`. */
  platform: v.optional(v.string()),
  /** Of a folder with a Dockerfile: another file than its own. */
  file: v.optional(text),
  /** `NAME=value`, or `NAME` alone for the caller's value. */
  buildArg: texts,
  target: v.optional(text),
  /** `id=ID,src=FILE` or `id=ID,env=NAME`. */
  secret: texts,
  /** False: the builder uses nothing that it built before. */
  cache: v.optional(v.boolean()),
  /** What the folder may do that others may not: run a frontend of its own, link out of itself. */
  allow: v.optional(v.array(v.picklist(allowances, `wanted one of ${allowances.join(", ")}`))),
  /** Ask the archive for newer package lists even when the kept ones are young. */
  refresh: v.optional(v.boolean()),
  /** When a registry is asked for an image: by default where it is not here. */
  pull: v.optional(v.picklist(pullPolicies, `wanted one of ${pullPolicies.join(", ")}`)),
  /** Registries, `HOST[:PORT]`, for which any certificate, or plain HTTP, will do. */
  insecure: texts,
} as const;

/** Options of `build`. */
export const buildOptionsSchema = v.strictObject({
  source: text,
  /** The file to write; this or `bundle`. */
  output: v.optional(text),
  /** The directory to write: the image with a kernel, and how Firecracker and QEMU boot them. */
  bundle: v.optional(text),
  init: v.optional(v.picklist(initKinds, `wanted one of ${initKinds.join(", ")}`)),
  /**
   * With the format `kernel`, what the application is packed into, and the kernel of a bundle;
   * by default the distribution's.
   */
  kernel: v.optional(text),
  /** Its modules. */
  modules: v.optional(text),
  /** Its command line, before what the VMM says; in a bundle behind that. */
  commandLine: v.optional(v.string()),
  /** `256m`, `1g`; of a bundle's machine. */
  memory: v.optional(text),
  /** Of a bundle's machine. */
  cpus: v.optional(text),
  ...configEntries,
  ...contentEntries,
  format: v.optional(v.picklist(buildFormats, `wanted one of ${buildFormats.join(", ")}`)),
  /** Of `initramfs-list`: the directory in which the list says that its files lie. */
  listPrefix: v.optional(text),
});

/** Options of `run`: those of `build` without its output, and what one run sets. */
export const runOptionsSchema = v.strictObject({
  source: text,
  /** Replaces the image's Cmd. */
  command: v.optional(v.array(v.string())),
  init: v.optional(v.picklist(initKinds, `wanted one of ${initKinds.join(", ")}`)),
  /** `[IP:]HOST:GUEST[/udp]`. */
  publish: texts,
  /** Publish every port that the image exposes and `publish` does not name, on free ones. */
  publishAll: v.optional(v.boolean()),
  /** `SRC:DST[:ro]`: a folder or file of the host, read-only, as it is when the machine starts. */
  volume: texts,
  /** Docker's longer form: `type=bind,src=,dst=`, `type=tmpfs,dst=,tmpfs-size=`. */
  mount: texts,
  /** `PATH[:size=64m,mode=1777]`: an empty file system in memory. */
  tmpfs: texts,
  hostname: v.optional(text),
  /** `256m`, `1g`. */
  memory: v.optional(text),
  /** Memory that the machine keeps to until it needs more. */
  memoryReservation: v.optional(text),
  cpus: v.optional(text),
  /** `60s`, `2m`; how long the application may take to be ready. */
  timeout: v.optional(text),
  kernel: v.optional(text),
  modules: v.optional(text),
  /** More words for the kernel's command line. */
  append: v.optional(text),
  accel: v.optional(v.picklist(accelerators, "wanted auto, tcg or kvm")),
  vmm: v.optional(v.picklist(vmmNames, "wanted auto, qemu or firecracker")),
  /** `UID:GID`: Firecracker runs in the jailer's jail as this user. */
  jailer: v.optional(text),
  /** Where jails are made. */
  jailerBase: v.optional(text),
  /** `FILE=VALUE`: of the jail's cgroup v2. */
  cgroup: texts,
  /** Of Firecracker's drives; async is io_uring. */
  ioEngine: v.optional(v.picklist(["sync", "async"], "wanted sync or async")),
  /** `20m` or `20m/s`: bytes a second that each of Firecracker's drives gives and takes. */
  driveRate: v.optional(text),
  /** Requests a second of each. */
  driveRequests: v.optional(text),
  /** The file that gets Firecracker's metrics, a line of JSON each time. */
  metrics: v.optional(text),
  root: v.optional(v.picklist(["overlay", "copy", "ro"], "wanted overlay, copy or ro")),
  readOnly: v.optional(v.boolean()),
  /** `user`, `relay`, `tap` (one of wick's own), `tap=NAME` (one that is there), or `none`. */
  network: v.optional(
    v.pipe(v.string(), v.check(isNetwork, "wanted user, relay, tap, tap=NAME or none")),
  ),
  /** Keep the machine's files here (an empty or new directory) instead of in a temporary one. */
  directory: v.optional(text),
  ...configEntries,
  ...contentEntries,
});

/** What `build` is asked for; unknown keys are refused. */
export type BuildOptions = v.InferInput<typeof buildOptionsSchema>;

/** What `run` is asked for; unknown keys are refused. */
export type RunOptions = v.InferInput<typeof runOptionsSchema>;
