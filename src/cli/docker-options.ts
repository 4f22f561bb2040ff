import { Option, type Command } from "commander";
import { WickError } from "../index.ts";

/** Options of `docker run`, and why `wick run` has them not. */
interface Refusal {
  readonly flags: readonly string[];
  readonly why: string;
  /** What wick has instead. */
  readonly instead: string;
}

const WHOLE = {
  why: "the whole machine belongs to its application, and nothing of the host does",
  instead: "leave it out; -v shows a folder of the host",
} as const;
const LOCKED_UP = {
  why: "the machine itself is the wall around its application",
  instead: "leave it out; --read-only and -u take away from the application what it need not have",
} as const;

const REFUSED: readonly Refusal[] = [
  {
    flags: ["-i, --interactive", "-t, --tty", "-a, --attach <stream>", "--detach-keys <keys>"],
    why: "an application's input is empty, and its output the machine's console",
    instead: "leave it out, and give what is to be done as the command: sh -c '…'",
  },
  {
    flags: ["-d, --detach", "--cidfile <file>"],
    why: "a machine lives as long as its wick run, which stays with it",
    instead: "put & behind the command, or run it as a service of systemd's",
  },
  {
    flags: ["--name <name>"],
    why: "machines have no names, since nothing is left of them",
    instead: "-h NAME sets the host name that the application sees",
  },
  {
    flags: ["--restart <policy>"],
    why: "nothing watches over a machine but its wick run",
    instead: "a service of systemd's with Restart=; the exit status is the application's",
  },
  { flags: ["--privileged", "--cap-add <capability>", "--device <device>"], ...WHOLE },
  { flags: ["--gpus <devices>", "--pid <mode>", "--ipc <mode>", "--uts <mode>"], ...WHOLE },
  { flags: ["--userns <mode>", "--cgroupns <mode>", "--sysctl <setting>"], ...WHOLE },
  { flags: ["--cap-drop <capability>", "--security-opt <option>"], ...LOCKED_UP },
  {
    flags: ["-c, --cpu-shares <n>", "--cpuset-cpus <list>", "--cpu-quota <us>"],
    why: "a machine has whole processors",
    instead: "--cpus N; taskset and nice before wick run hold for the machine too",
  },
  {
    flags: ["--memory-swap <size>", "--shm-size <size>", "--pids-limit <n>", "--ulimit <limit>"],
    why: "the machine's memory is the one limit, and its kernel the application's own",
    instead: "-m SIZE",
  },
  {
    flags: ["--net <network>", "--ip <address>", "--mac-address <address>", "--link <name>"],
    why: "machines are in no network of Docker's",
    instead: "--network user, relay, tap or none; with tap the machine has an address on this host",
  },
  {
    flags: ["--network-alias <name>", "--dns <address>", "--add-host <name>"],
    why: "names are the host's to find: the machine asks its name servers",
    instead: "addresses by -e; --network tap for a neighbour of this host",
  },
  {
    flags: ["--volumes-from <name>", "--volume-driver <name>"],
    why: "there are no volumes: nothing outlives a machine",
    instead: "-v FOLDER:PATH shows a folder of the host",
  },
  {
    flags: ["--log-driver <name>", "--log-opt <option>"],
    why: "the application's output is that of wick run",
    instead: "redirect it, or pipe it to logger",
  },
  {
    flags: ["--stop-timeout <seconds>"],
    why: "an application has ten seconds from its stop signal on",
    instead: "a second Ctrl-C ends the machine at once",
  },
];

const NETWORKS: readonly Refusal[] = [
  {
    flags: ["--network host"],
    why: "a machine has its own network, and none of the host's ports",
    instead: "-p publishes ports, outgoing connections work as they are; or --network tap",
  },
  {
    flags: ["--network bridge", "--network default"],
    why: "it is Docker's",
    instead: "leave it out: published ports and outgoing connections work as they are",
  },
];

/** Makes Docker's options known to `command`, so that who types them is told more than that. */
export function addDockerOptions(command: Command): void {
  for (const flags of REFUSED.flatMap((one) => one.flags)) {
    command.addOption(new Option(flags, "of Docker's").hideHelp());
  }
}

/** Refuses those of Docker's options that were given; all at once. UNSUPPORTED. */
export function refuseDockerOptions(command: Command): void {
  const [first, ...others] = [...givenOptions(command), ...givenNetwork(command)];
  if (first === undefined) return;
  const names = [first, ...others].map((one) => one.name).join(", ");
  // One line for a reason: what `-it` is refused for need not be read twice.
  const more = others.filter(({ why }) => why !== first.why);
  const detail = more.map(({ name, why, instead }) => `${name}: ${why} (${instead})`);
  throw new WickError("UNSUPPORTED", `Cannot run with ${names}: ${first.why}`, {
    detail,
    hint: first.instead,
  });
}

interface Given extends Omit<Refusal, "flags"> {
  /** As users know it: `-d`, `--name`. */
  readonly name: string;
}

function givenOptions(command: Command): Given[] {
  return REFUSED.flatMap(({ flags, ...refusal }) =>
    flags
      .map((text) => new Option(text))
      .filter((option) => isGiven(command, option))
      .map(({ short, long }) => ({ ...refusal, name: short ?? long! })),
  );
}

/** `--restart no` is what happens anyway. */
function isGiven(command: Command, option: Option): boolean {
  const value: unknown = command.getOptionValue(option.attributeName());
  return value !== undefined && !(option.long === "--restart" && value === "no");
}

function givenNetwork(command: Command): Given[] {
  const name = `--network ${String(command.getOptionValue("network"))}`;
  return NETWORKS.filter(({ flags }) => flags.includes(name)).map(({ why, instead }) => ({
    name,
    why,
    instead,
  }));
}
