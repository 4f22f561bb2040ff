import {
  mergeConfigs,
  printConfig,
  resolveProcess,
  type AppConfig,
} from "../../application/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { encodeRecords, type InitMount, type InitRecords } from "../../guest/index.ts";
import type { PortForward } from "../../vmm/index.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import type { MachineTap } from "../tap/machine-tap.ts";

/** QEMU's user network (slirp): the guest, its gateway and its name server. */
const USER_NETWORK = {
  addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
  gateway: "10.0.2.2",
  nameservers: ["10.0.2.3"],
} as const;

/**
 * A machine without a card has the same address, on lo: connections are relayed to it, so that what
 * listens on 127.0.0.1 alone is as far away as with a card.
 */
const RELAY_ADDRESS = "10.0.2.15";
const RELAY_NETWORK = {
  addresses: [
    { interface: "lo", address: "127.0.0.1/8" },
    { interface: "lo", address: `${RELAY_ADDRESS}/32` },
  ],
} as const;

/** What was made for the run, beside the plan. */
interface MadeForRun {
  readonly ports: readonly PortForward[];
  readonly tap?: Omit<MachineTap, "card" | typeof Symbol.dispose> | undefined;
  readonly mounts: readonly InitMount[];
  /** What the VMM wants of a guest that ends. */
  readonly ending: NonNullable<InitRecords["ending"]>;
}

/** The files of one run's own archive: the same config twice, for people and for init. */
export function runFiles(
  plan: RunPlan,
  image: ImageFacts,
  made: MadeForRun,
): readonly { readonly path: string; readonly bytes: Uint8Array }[] {
  const { Hostname: _, ...config } = plan.overrides;
  return [
    {
      path: ".wick/run.json",
      bytes: printConfig(settled(config), { section: "run", name: "the run's config" }),
    },
    { path: ".wick/run.rec", bytes: encodeRecords(recordsOf(plan, image, made)) },
  ];
}

/** Without the names that take a variable of the image away: the records have what is left. */
function settled(config: AppConfig): AppConfig {
  if (config.Env === undefined) return config;
  return { ...config, Env: config.Env.filter((line) => line.includes("=")) };
}

function recordsOf(plan: RunPlan, image: ImageFacts, made: MadeForRun): InitRecords {
  return {
    ...(image.reports
      ? processRecords(mergeConfigs(image.config ?? {}, plan.overrides), image)
      : {}),
    ...networkRecords(plan, made),
    ports: made.ports
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ guestPort }) => guestPort),
    ...(made.mounts.length > 0 ? { mounts: made.mounts } : {}),
    readOnly: plan.readOnly,
    // Docker's: the machine's own, since the image's were those of the machine that built it.
    names: true,
    ending: made.ending,
  };
}

function networkRecords({ network }: RunPlan, { ports, tap }: MadeForRun): InitRecords {
  if (tap !== undefined) return tapRecords(tap);
  if (network === "user") return USER_NETWORK;
  if (network === "none") return {};
  return { ...RELAY_NETWORK, ...(ports.length > 0 ? { relay: RELAY_ADDRESS } : {}) };
}

/** The host is the way out, where it forwards what the machine sends. */
function tapRecords({ guest, prefix, host, nameservers }: NonNullable<MadeForRun["tap"]>) {
  const addresses = [{ interface: "eth0", address: `${guest}/${prefix}` }];
  return { addresses, gateway: host, nameservers };
}

/** The whole process again, resolved with the image's own files: key by key it wins over the image's. */
function processRecords(config: AppConfig, image: ImageFacts): InitRecords {
  const { argv, env, directory, uid, gid, groups, stopSignal, hostname } = resolveProcess(
    config,
    image.users,
    { tty: false },
  );
  return { argv, env, directory, uid, gid, groups, stopSignal, hostname };
}
