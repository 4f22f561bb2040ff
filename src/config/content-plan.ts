import { parseSize, type AppConfig } from "../application/index.ts";
import { sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Environment } from "../host/index.ts";
import { parseAddition, type Addition } from "../shaping/index.ts";
import {
  parseSecret,
  type Allowance,
  type DockerfileSettings,
  type ListSettings,
} from "../sources/index.ts";
import { absolute, type Caller } from "./caller.ts";
import type { Compression, RootFormat } from "./image-formats.ts";
import { checkFormatOptions, compressionOf, formatOf } from "./image-options.ts";
import type { initKinds } from "./init-kinds.ts";
import { listSettings } from "./list-options.ts";
import type { BuildOptions, RunOptions } from "./options.ts";
import { archOf, type Arch } from "./platform.ts";
import type { PullPolicy } from "./pull-policies.ts";

export type InitKind = (typeof initKinds)[number];
/** What a root file system is made from, resolved. */
export interface ContentPlan {
  readonly source: string;
  readonly with: readonly string[];
  /** Files on the host, absolute, and where they go. */
  readonly add: readonly Addition[];
  readonly recipe: string | undefined;
  readonly owner: "keep" | { readonly uid: number; readonly gid: number } | undefined;
  /** Where a program's libraries are looked for, absolute. */
  readonly rootDirectory: string | undefined;
  readonly arch: Arch;
  readonly format: RootFormat;
  readonly compression: Compression | undefined;
  readonly init: InitKind;
  readonly sizeBytes: number | "min" | undefined;
  readonly volumeLabel: string;
  readonly journal: boolean;
  /** What the user says about the application, over what source and recipe say. */
  readonly overrides: AppConfig;
  /** Whether an image without an application is an error: a run may still name one. */
  readonly needsApplication: boolean;
  /** Time of everything that wick itself adds: SOURCE_DATE_EPOCH, else 1970. */
  readonly mtimeSeconds: number;
  readonly refresh: boolean;
  readonly pull: PullPolicy;
  /** Registries, `HOST[:PORT]`. */
  readonly insecure: readonly string[];
  /** For a folder with a Dockerfile. */
  readonly dockerfile: DockerfileSettings;
  /** What such a folder is allowed. */
  readonly allowed: readonly Allowance[];
  /** For the kernel's lists. */
  readonly list: ListSettings;
}

/** ext4's s_volume_name. */
const VOLUME_LABEL_BYTES = 16;

type Content = Omit<BuildOptions, "output"> | RunOptions;

/** The content's part of the plan of `build` and `run`. USAGE. */
export function planContent(given: Content, overrides: AppConfig, caller: Caller): ContentPlan {
  const format = formatOf(given);
  checkFormatOptions(given, format);
  const mtimeSeconds = sourceDateEpoch(caller.environment);
  return {
    source: given.source,
    with: given.with ?? [],
    add: (given.add ?? []).map((text) => absoluteAddition(parseAddition(text), caller)),
    recipe: given.recipe === undefined ? undefined : absolute(given.recipe, caller),
    owner: parseOwner(given.owner),
    rootDirectory: given.rootDir === undefined ? undefined : absolute(given.rootDir, caller),
    arch: archOf(given.platform, caller),
    format: format === "kernel" ? "initramfs" : format,
    compression: compressionOf(given, format),
    init: given.init ?? "wick",
    sizeBytes:
      given.size === undefined || given.size === "min"
        ? given.size
        : parseSize(given.size, "the size"),
    volumeLabel: volumeLabel(given.label ?? []),
    journal: given.journal ?? true,
    overrides,
    needsApplication: "output" in given || "bundle" in given,
    mtimeSeconds,
    refresh: given.refresh ?? false,
    pull: given.pull ?? "missing",
    insecure: (given.insecure ?? []).map((host) => host.toLowerCase()),
    dockerfile: dockerfileSettings(given, caller),
    allowed: given.allow ?? [],
    list: listSettings(given, caller, mtimeSeconds),
  };
}

function dockerfileSettings(given: Content, caller: Caller): DockerfileSettings {
  const { workingDirectory } = caller;
  return {
    file: given.file === undefined ? undefined : absolute(given.file, caller),
    buildArgs: (given.buildArg ?? []).map(checkedBuildArg),
    target: given.target,
    secrets: (given.secret ?? []).map((text) => parseSecret(text, workingDirectory)),
    noCache: given.cache === false,
    pull: given.pull === "always",
  };
}

function checkedBuildArg(text: string): string {
  if (/^[A-Za-z_]\w*(=|$)/.test(text) && !text.includes("\0")) return text;
  const shown = sanitise(text.split("=", 1)[0]!.slice(0, 80));
  throw new WickError(
    "USAGE",
    `Cannot use the build argument "${shown}": wanted NAME=value, or NAME for the caller's value`,
  );
}

function absoluteAddition(addition: Addition, caller: Caller): Addition {
  return { ...addition, file: absolute(addition.file, caller) };
}

function parseOwner(text: string | undefined): ContentPlan["owner"] {
  if (text === undefined || text === "keep") return text;
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && uid < 2 ** 32 && gid < 2 ** 32) return { uid, gid };
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the owner: wanted keep or UID:GID`,
  );
}

function volumeLabel(labels: readonly string[]): string {
  const names = labels.filter((text) => !text.includes("="));
  const label = names.at(-1) ?? "";
  if (utf8(label).length <= VOLUME_LABEL_BYTES) return label;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(label)}" as the volume label: wanted at most ${VOLUME_LABEL_BYTES} bytes`,
    {
      hint: "a label of the image is KEY=VALUE",
    },
  );
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDateEpoch(environment: Environment): number {
  const text = environment["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === "") return 0;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new WickError(
    "USAGE",
    `Cannot use SOURCE_DATE_EPOCH "${sanitise(text)}": wanted seconds since 1970`,
  );
}
