import { Option, type Command } from "commander";
import {
  accelerators,
  initKinds,
  run,
  type MachineExit,
  type RunningMachine,
  type RunOptions,
} from "../../index.ts";
import { addDockerOptions, refuseDockerOptions } from "../docker-options.ts";
import { errorText, ExitCode } from "../fail.ts";
import { catchInterruption, type Interruption } from "../interrupt.ts";
import { showConsole } from "../console.ts";
import { openProgress, type Progress } from "../progress/choose.ts";
import { quietContext } from "../run-command.ts";
import {
  addConfigOptions,
  addContentOptions,
  addOutputOptions,
  collect,
  type OutputOptions,
} from "../shared-options.ts";
import { withInitValue } from "../source-index.ts";

const EXAMPLES = `
Options go before the source; what follows it is the application's command.

Examples:
  wick run -p 8080:80 nginx:alpine
  wick run -p 8080:80 deb:nginx-light
  wick run -p 8080:80 -m 128m nginx.ext4
  wick run -p 8080:80 nginx.vmlinux
  wick run -p 8080:80 ./bundle
  wick run -p 8080:80 --vmm firecracker nginx.ext4
  wick run -p 8080:80 --vmm firecracker --metrics metrics.jsonl nginx.ext4
  wick run -p 8080:80 --vmm firecracker --jailer 20001:20001 nginx.ext4
  wick run -p 8080:80 --network relay nginx.ext4
  wick run -p 8080:80 --network tap=tap0 nginx.ext4
  wick run -p 8080:80 -v ./conf:/etc/nginx nginx.ext4
  wick run -e GREETING=hello --with deb:busybox-static dir:./rootfs /usr/bin/busybox sh -c 'echo $GREETING'
`;

type GivenOptions = Omit<RunOptions, "source" | "command" | "init"> &
  OutputOptions & { init?: string; rm?: boolean; restart?: string };

/** `wick run`. */
export function addRun(program: Command): void {
  const command = program
    .command("run <source> [command...]")
    .summary("build if needed, boot, and stay until the application ends")
    .description(
      "Boots one application as a microVM and stays until it ends, with its exit status.",
    )
    .passThroughOptions()
    .option(
      "-p, --publish <[ip:][host:]guest>",
      "publish a port of the guest; on 127.0.0.1 unless IP is given",
      collect,
    )
    .option("-P, --publish-all", "publish every port that the image exposes, on free ports")
    .option(
      "-v, --volume <folder:path>",
      "show a folder or file of the host at PATH in the machine, read-only, as it is now",
      collect,
    )
    .option("--mount <words>", "the same as type=bind,src=FOLDER,dst=PATH", collect)
    .option("--tmpfs <path[:options]>", "an empty directory in memory, as /tmp:size=64m", collect)
    .option("-m, --memory <size>", "memory of the machine (256m)")
    .option(
      "--memory-reservation <size>",
      "what the machine keeps to until it needs more: the host has the rest (a balloon)",
    )
    .option("--cpus <n>", "number of CPUs (1)")
    .option("-h, --hostname <name>", "the machine's host name")
    .option("--timeout <duration>", "how long the application may take until it listens (60s)")
    .option(
      "--network <mode>",
      "user: outgoing and published ports; relay: published ports alone, through init; tap: a TAP that wick makes (as root), or tap=NAME one of yours; none",
    )
    .addOption(
      new Option("--root <mode>", "overlay: changes go to a private drive; copy; ro").choices([
        "overlay",
        "copy",
        "ro",
      ]),
    )
    .option("--read-only", "writes to the root file system fail")
    .option("--kernel <file>", "a kernel of your own: bzImage, ELF or Image")
    .option("--modules <directory>", "that kernel's modules")
    .option("--append <words>", "more words for the kernel's command line")
    .option(
      "--init [=kind]",
      "which init a source gets: wick, script, app (the program itself is process 1), none; alone it changes nothing",
    )
    .option("--rm", "changes nothing: a machine never leaves anything behind");
  addVmmOptions(command);
  addDockerOptions(command);
  addContentOptions(addConfigOptions(command));
  addOutputOptions(command).addHelpText("after", EXAMPLES).action(act);
}

/** What runs the machine. */
function addVmmOptions(command: Command): void {
  command
    .addOption(
      new Option("--vmm <vmm>", "qemu, or firecracker where KVM runs guests").choices([
        "auto",
        "qemu",
        "firecracker",
      ]),
    )
    .addOption(
      new Option("--io-engine <engine>", "of Firecracker's drives (sync)").choices([
        "sync",
        "async",
      ]),
    )
    .option("--drive-rate <size>", "bytes a second of each of Firecracker's drives, as 20m")
    .option("--drive-requests <n>", "requests a second of each of Firecracker's drives")
    .option("--metrics <file>", "write Firecracker's metrics there, a line of JSON each time")
    .option("--jailer <uid:gid>", "lock Firecracker up as that user, by its jailer (as root)")
    .option("--jailer-base <dir>", "where the jail is made (/srv/jailer)")
    .option(
      "--cgroup <file=value>",
      "a setting of the jail's cgroup v2, as memory.max=512M",
      collect,
    )
    .addOption(
      new Option(
        "--accel <accel>",
        "tcg emulates the processor; auto is kvm where it really runs guests",
      ).choices(accelerators),
    );
}

/** The words of `wick run` before commander reads them. */
export function prepareRunWords(program: Command, args: readonly string[]): string[] {
  const command = program.commands.find((c) => c.name() === "run");
  return ["run", ...withInitValue(args.slice(1), command?.options ?? [])];
}

async function act(
  source: string,
  words: readonly string[],
  given: GivenOptions,
  command: Command,
): Promise<void> {
  refuseDockerOptions(command);
  const { progress: mode, quiet, json, init, rm: _, restart: __, ...rest } = given;
  using interruption = catchInterruption();
  const progress = await openProgress(mode, quiet === true);
  const context = { ...quietContext(interruption.signal), onEvent: progress.listener };
  const note = (message: string): void => progress.listener({ type: "note", message });
  noteMisplacedOptions(source, words, note);
  noteInitKind(source, init, note);
  try {
    const kind = init === undefined || init === "" || typeof init !== "string" ? {} : { init };
    const told = words.length === 0 ? {} : { command: [...words] };
    const options = { ...rest, ...kind, ...told, source } as RunOptions;
    await using machine = await run(options, context);
    process.exitCode = await attend(machine, { interruption, progress, json: json === true });
  } finally {
    progress.close();
  }
}

/** Stays with the machine until it ends: its console to stdout, Ctrl-C to the application. */
async function attend(
  machine: RunningMachine,
  how: { interruption: Interruption; progress: Progress; json: boolean },
): Promise<number> {
  const { signal } = how.interruption;
  const stop = (): void => void machine.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  let isRead = true;
  const shown = showConsole(machine.console(), how.json ? process.stderr : process.stdout, () => {
    isRead = false;
    stop();
  });
  const early = await untilReady(machine, how);
  const exit = await endOf(machine, how.interruption);
  await shown;
  if (how.json) process.stdout.write(`${JSON.stringify(resultOf(machine, exit))}\n`);
  if (!isRead) return how.interruption.exitCode ?? ExitCode.nobodyReads;
  if (exit.message !== undefined) process.stderr.write(`wick: ${exit.message}\n`);
  if (early !== undefined) process.stderr.write(errorText(early, process.stderr));
  const failed = early === undefined ? 0 : ExitCode.runFailure;
  return how.interruption.exitCode ?? (exit.status === 0 ? failed : (exit.status ?? failed));
}

/** How it ended; after Ctrl-C it does not matter how. */
async function endOf(machine: RunningMachine, interruption: Interruption): Promise<MachineExit> {
  try {
    return await machine.exited;
  } catch (error) {
    if (interruption.exitCode === undefined) throw error;
    return {};
  }
}

/**
 * Says where the ports are once somebody listens. A machine that is not ready in time is an
 * error; an application that ended by itself before is given back, since its status counts.
 */
async function untilReady(
  machine: RunningMachine,
  { interruption, progress }: { interruption: Interruption; progress: Progress },
): Promise<unknown> {
  try {
    await machine.ready;
    for (const { protocol, hostAddress, hostPort, guestPort } of machine.ports) {
      const message = `${hostAddress}:${hostPort} -> ${guestPort}/${protocol}`;
      progress.listener({ type: "note", message });
    }
  } catch (error) {
    if (interruption.exitCode !== undefined) return undefined;
    if (!machine.hasEnded) throw error;
    return error;
  } finally {
    progress.close();
  }
  return undefined;
}

function resultOf(machine: RunningMachine, exit: MachineExit): object {
  const { ports, tap } = machine;
  return { ...exit, ports, ...(tap && { tap }), timeline: machine.timeline() };
}

/** `--init KIND` is what `wick build` takes: here it is Docker's `--init`, and KIND the source. */
function noteInitKind(
  source: string,
  init: string | undefined,
  note: (text: string) => void,
): void {
  if (init !== "" || !initKinds.some((kind) => kind === source)) return;
  note(
    `--init ${source} reads as --init, and ${source} as what to run; --init=${source} names a kind`,
  );
}

/** Docker's rule surprises whoever puts wick's options last: said, not guessed. */
function noteMisplacedOptions(
  source: string,
  words: readonly string[],
  note: (text: string) => void,
): void {
  const first = words[0];
  if (
    first === undefined ||
    !/^(-p|-m|-e|-v|--publish|--memory|--env|--kernel|--timeout)(=|$)/.test(first)
  )
    return;
  note(`${first} is passed to the application; options of wick go before ${source}`);
}
