import { splitVariable, type ResolvedProcess } from "../application/index.ts";
import { WickError } from "../errors/index.ts";
import type { Tools } from "./programs.ts";
import { isPlainVariable, quote, quoteAll } from "./shell.ts";

/** What the script needs to know beside the process. */
export interface ScriptParts {
  readonly tools: Tools;
  /** Words in front of the application's command: a tool that becomes its user. */
  readonly userSwitch: readonly string[];
}

/** Mounts that programs expect, after proc: type, source, target, options. */
const MOUNTS: readonly (readonly [string, string, string])[] = [
  ["sysfs", "/sys", "nosuid,nodev,noexec"],
  ["devtmpfs", "/dev", "nosuid,mode=0755"],
  ["devpts", "/dev/pts", "nosuid,noexec,gid=5,mode=620,ptmxmode=666"],
  ["tmpfs", "/dev/shm", "nosuid,nodev,noexec,mode=1777,size=64m"],
];

/** Text of an `/sbin/init` for a POSIX shell: mounts, starts one application, ends the machine. */
export function initScript(process: ResolvedProcess, parts: ScriptParts): string {
  return [
    "#!/bin/sh",
    "# Made by wick. Process 1 of this machine: prepares it, runs one application, ends it.",
    "umask 022",
    ...mountLines(parts.tools),
    ...deviceLines(parts.tools),
    ...consoleLines(),
    ...kernelLines(process, parts.tools),
    ...applicationLines(process, parts),
    ...endLines(parts.tools),
    "",
  ].join("\n");
}

/** Words of a tool with arguments: `/bin/busybox mount -t proc proc /proc`. */
function mountLines(tools: Tools): string[] {
  const mount = tools.find("mount");
  if (mount === undefined) {
    return section("No mount in this image: /proc and /sys stay empty, /dev is the kernel's.", []);
  }
  const one = (type: string, target: string, options: string) =>
    `${mount} -t ${type} -o ${options} ${type} ${target} 2>/dev/null`;
  const mkdir = tools.find("mkdir");
  const directories = mkdir === undefined ? [] : [`${mkdir} -p /dev/pts /dev/shm 2>/dev/null`];
  const [sys, dev, ...rest] = MOUNTS.map((row) => one(...row));
  return section("What programs expect to be mounted; the kernel may have made /dev already.", [
    one("proc", "/proc", "nosuid,nodev,noexec"),
    sys!,
    dev!,
    ...directories,
    ...rest,
  ]);
}

function deviceLines(tools: Tools): string[] {
  const ln = tools.find("ln");
  if (ln === undefined) return [];
  const link = (target: string, name: string) =>
    `[ -e /dev/${name} ] || ${ln} -s ${target} /dev/${name}`;
  return section("Links that programs open by name.", [
    link("/proc/self/fd", "fd"),
    link("/proc/self/fd/0", "stdin"),
    link("/proc/self/fd/1", "stdout"),
    link("/proc/self/fd/2", "stderr"),
  ]);
}

/**
 * The kernel opened the image's console; this one, of the /dev that is mounted over it, can be
 * opened again by name (/dev/stdout), also by a user who is not root.
 */
function consoleLines(): string[] {
  const open = "[ ! -c /dev/console ] || exec </dev/console >/dev/console 2>&1";
  return section("The console of the /dev that is mounted now.", [open]);
}

function kernelLines({ uid, hostname }: ResolvedProcess, tools: Tools): string[] {
  const set = (file: string, value: string) =>
    `[ ! -w /proc/sys/${file} ] || printf '%s\\n' ${quote(value)} >/proc/sys/${file}`;
  const ip = tools.find("ip");
  const ifconfig = tools.find("ifconfig");
  const chmod = tools.find("chmod");
  const lines = [
    set("kernel/hostname", hostname),
    set("net/ipv4/ip_unprivileged_port_start", "0"),
    set("net/ipv4/ping_group_range", "0 2147483647"),
    "ulimit -n 1048576 2>/dev/null",
  ];
  if (ip !== undefined) lines.push(`${ip} link set lo up`);
  else if (ifconfig !== undefined) lines.push(`${ifconfig} lo 127.0.0.1 up`);
  // The application opens /dev/stdout by name: that is the console, which is root's.
  if (uid !== 0 && chmod !== undefined) lines.push(`${chmod} 0666 /dev/console`);
  return section(
    "Name, limits and network; ip= on the kernel's command line sets addresses.",
    lines,
  );
}

function applicationLines(process: ResolvedProcess, { tools, userSwitch }: ScriptParts): string[] {
  const odd = process.env.filter((line) => !isPlainVariable(splitVariable(line).name));
  const env = odd.length === 0 ? [] : envWords(tools, odd);
  const exports = process.env
    .filter((line) => !odd.includes(line))
    .map((line) => {
      const { name, value } = splitVariable(line);
      return `  export ${name}=${quote(value!)}`;
    });
  const words = [...userSwitch, ...env, ...process.argv];
  if (words[0]!.startsWith("-")) throw unusable(words[0]!);
  return section("The application: environment, directory, command.", [
    "(",
    ...exports,
    `  cd ${quote(process.directory)} || exit 126`,
    `  exec ${quoteAll(words)}`,
    ")",
    "status=$?",
    'echo "wick: the application ended with status $status"',
  ]);
}

/** Variables whose names no shell exports; env(1) hands over anything. */
function envWords(tools: Tools, lines: readonly string[]): string[] {
  const env = tools.find("env");
  if (env !== undefined) return [...env.split(" "), ...lines];
  const names = lines.map((line) => splitVariable(line).name).join(", ");
  throw new WickError(
    "UNSUPPORTED",
    `Cannot set ${names} from a script: a shell cannot export it and the tree has no env`,
    { hint: "use --init wick" },
  );
}

/**
 * Process 1 must not just end. The kernel's line says how this machine goes: wick and
 * Firecracker's documentation give reboot=… where it ends by a restart.
 */
function endLines(tools: Tools): string[] {
  const [reboot, poweroff] = [tools.find("reboot"), tools.find("poweroff")];
  const sync = tools.find("sync");
  const way = (tool: string | undefined, key: string) =>
    tool === undefined ? `key=${key}` : `key=${key}; ${tool} -f`;
  return section("Process 1 must not end by itself: the machine goes off, or restarts.", [
    ...(sync === undefined ? [] : [sync]),
    "line=",
    "[ ! -r /proc/cmdline ] || read -r line </proc/cmdline",
    'case " $line " in',
    `  *" reboot="*) ${way(reboot, "b")} ;;`,
    `  *) ${way(poweroff, "o")} ;;`,
    "esac",
    "# Still here: the kernel's own way, which takes a moment. Without that, ending now is a",
    "# panic, whose line shows the status.",
    "if [ -w /proc/sysrq-trigger ]; then",
    "  printf $key >/proc/sysrq-trigger",
    "  while :; do :; done",
    "fi",
    'exit "$status"',
  ]);
}

function section(comment: string, lines: readonly string[]): string[] {
  return ["", `# ${comment}`, ...lines];
}

function unusable(word: string): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot start ${quote(word)} from a script: a shell takes it for an option`,
    { hint: "give the program's whole path" },
  );
}
