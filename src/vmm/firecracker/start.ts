import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  checkOutput,
  removePath,
  startProcess,
  writePrivateFile,
  type Deadline,
  type SupervisedProcess,
} from "../../host/index.ts";
import { ConsoleStream } from "../console-stream.ts";
import { Undo } from "../undo.ts";
import { LAST_WORDS_MS, startDeadline } from "../start-deadline.ts";
import type { Machine, MachineSpec } from "../vmm.ts";
import { FirecrackerApi, Refusal, versionIn } from "./api.ts";
import { checkFirecrackerSpec } from "./check.ts";
import { withoutPciLine } from "./first-line.ts";
import { configPath } from "./files.ts";
import { jailPlace, type JailOptions } from "./jail.ts";
import { listenForGuest } from "./listen.ts";
import { logTail } from "./log.ts";
import { firecrackerMachine } from "./machine.ts";
import { makeSink, privatePlace, type Place } from "./place.ts";
import {
  devicesOf,
  type DriveOptions,
  INSTANCE_START,
  metricsTo,
  requestsFor,
  VERSION,
} from "./requests.ts";
import { endedError, refusedError } from "./start-error.ts";
import { checkVersion, firecrackerProgram } from "./version.ts";

/** How Firecracker is started; tests put other programs in its place. */
export interface FirecrackerOptions {
  /** By default `firecracker` from PATH. */
  readonly program?: string | undefined;
  /** Run by the jailer, as another user, in a root of its own. */
  readonly jail?: JailOptions | undefined;
  readonly drives?: DriveOptions | undefined;
  /** The file that gets its metrics when it has ended; absolute. */
  readonly metrics?: string | undefined;
  /** Bound on all of the start. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts Firecracker, makes the machine by its API and lets the guest run. Any failure takes
 * back all earlier steps in reverse order and is the error that comes out.
 */
export async function startFirecracker(
  spec: MachineSpec,
  options: FirecrackerOptions,
  signal?: AbortSignal,
): Promise<Machine> {
  checkFirecrackerSpec(spec);
  if (options.metrics !== undefined) checkOutput(options.metrics);
  const program = firecrackerProgram(options.program);
  const deadline = startDeadline(options.startTimeoutMs, signal);
  const undo = new Undo();
  try {
    return await startWith({ spec, program, options, deadline, undo });
  } catch (error) {
    await undo.run();
    throw error;
  }
}

interface Starting {
  readonly spec: MachineSpec;
  readonly program: string;
  readonly options: FirecrackerOptions;
  readonly deadline: Deadline;
  readonly undo: Undo;
}

async function startWith({ spec, program, options, deadline, undo }: Starting): Promise<Machine> {
  const { jail } = options;
  const place =
    jail === undefined ? privatePlace(program, spec) : await jailPlace(program, spec, jail);
  undo.push(() => leave(place));
  const guest = await listenForGuest(place.host.vsock, { relay: spec.relay === true });
  undo.push(() => guest.close());
  for (const path of guest.paths) place.own(path);
  const sinks = options.metrics === undefined ? (["log"] as const) : (["log", "metrics"] as const);
  for (const which of sinks) {
    makeSink(place, which);
    undo.push(() => removePath(place.host[which]));
  }
  const config = configPath(spec.directory);
  writePrivateFile(config, configFile(spec, options.drives));
  undo.push(() => removePath(config));
  const { vmm, console } = await startProgram(place);
  undo.push(() => vmm.stop({ graceMs: 0 }));
  try {
    const api = new FirecrackerApi(place.host.api, deadline);
    await Promise.race([makeMachine(api, place, options), endedEarly(vmm, place)]);
    const machine = firecrackerMachine({
      vmm,
      console,
      guest,
      log: place.host.log,
      metrics: metricsOf(place, options),
      release: () => leave(place),
    });
    await Promise.race([api.send(INSTANCE_START), endedEarly(vmm, place)]);
    // From here on nobody has anything to say to it.
    closeToStrangers(place);
    return machine;
  } catch (error) {
    throw await explain(error, vmm, place);
  }
}

function metricsOf(
  { host }: Place,
  { metrics }: FirecrackerOptions,
): { readonly from: string; readonly to: string } | undefined {
  return metrics === undefined ? undefined : { from: host.metrics, to: metrics };
}

async function startProgram({
  program,
  args,
  inside,
  binding,
}: Place): Promise<{ readonly vmm: SupervisedProcess; readonly console: ConsoleStream }> {
  // Info would put every request into the log, and what the user's words hold with it; Warn
  // hundreds of lines about ports that kernels try.
  const own = ["--api-sock", inside.api, "--log-path", inside.log, "--level", "Error"];
  let console!: ConsoleStream;
  const vmm = await startProcess(program, [...args, ...own], {
    purpose: "start the machine",
    ...(binding === undefined ? {} : { binding }),
    onOutput: (output) => (console = new ConsoleStream(withoutPciLine(output), { mayHold: false })),
  });
  return { vmm, console };
}

async function makeMachine(
  api: FirecrackerApi,
  { spec, inside }: Place,
  { drives, metrics }: FirecrackerOptions,
): Promise<void> {
  await api.listens();
  checkVersion(versionIn(await api.send(VERSION)));
  if (metrics !== undefined) await api.send(metricsTo(inside.metrics));
  for (const request of requestsFor(devicesOf(spec, { vsock: inside.vsock, drives })))
    await api.send(request);
}

/** The same machine for people: without the vsock, whose other end is wick. */
function configFile(spec: MachineSpec, drives: DriveOptions | undefined): Uint8Array {
  return utf8(`${JSON.stringify(devicesOf(spec, { drives }), undefined, 2)}\n`);
}

async function endedEarly(vmm: SupervisedProcess, { host }: Place): Promise<never> {
  const exit = await vmm.exited;
  throw endedError(exit, [...vmm.outputTail(), ...logTail(host.log)]);
}

/** A connection that broke because Firecracker gave up: its own words say more than ours. */
async function explain(
  failure: unknown,
  vmm: SupervisedProcess,
  { host }: Place,
): Promise<unknown> {
  if (failure instanceof Refusal) return refusedError(failure, logTail(host.log));
  if (!isWickError(failure) || failure.code === "INTERRUPTED" || failure.detail.length > 0)
    return failure;
  const exit = await Promise.race([vmm.exited, sleep(LAST_WORDS_MS)]);
  const output = [...vmm.outputTail(), ...logTail(host.log)];
  if (exit !== undefined) return endedError(exit, output);
  return new WickError(failure.code, failure.message, { cause: failure, detail: output });
}

/** Firecracker keeps listening on files that it made; without a name nobody reaches it. */
function closeToStrangers({ host }: Place): void {
  removePath(host.api);
  removePath(host.vsock);
}

function leave(place: Place): void {
  closeToStrangers(place);
  place[Symbol.dispose]();
}
