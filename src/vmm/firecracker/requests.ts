import type { SocketRequest } from "../../host/index.ts";
import type { Drive, MachineSpec } from "../vmm.ts";

/** The first of the context ids that a guest can have. */
const GUEST_CID = 3;

/** What a machine is told of its devices, by the names that API and config file share. */
export interface Devices {
  readonly "machine-config": object;
  readonly "boot-source": object;
  readonly drives: readonly { readonly drive_id: string }[];
  readonly "network-interfaces"?: readonly { readonly iface_id: string }[];
  readonly vsock?: object;
  readonly entropy: object;
  readonly balloon?: object;
}

/** How drives are read and written. */
export interface DriveOptions {
  /** "async": io_uring. */
  readonly ioEngine?: "sync" | "async";
  /** Of each drive; as fast as it goes when absent. */
  readonly bytesPerSecond?: number | undefined;
  readonly requestsPerSecond?: number | undefined;
}

/** What a machine has beside its spec. */
export interface DeviceOptions {
  /** `uds_path` of the machine's vsock device; absent: it has none. */
  readonly vsock?: string;
  readonly drives?: DriveOptions | undefined;
}

export function devicesOf(spec: MachineSpec, { vsock, drives }: DeviceOptions = {}): Devices {
  return {
    "machine-config": { vcpu_count: spec.cpus, mem_size_mib: spec.memoryMiB, smt: false },
    "boot-source": {
      kernel_image_path: spec.kernel,
      ...(spec.initrd === undefined ? {} : { initrd_path: spec.initrd }),
      // Always said: Firecracker's own words have `nomodule`, and our initramfs loads modules.
      boot_args: spec.commandLine,
    },
    drives: spec.drives.map((drive, index) => driveOf(drive, index, drives)),
    ...cardOf(spec),
    ...(vsock === undefined ? {} : { vsock: { guest_cid: GUEST_CID, uds_path: vsock } }),
    entropy: {},
    ...balloonOf(spec),
  };
}

/** No `mmds-config` names it: the metadata service stays off. */
function cardOf({ network }: MachineSpec) {
  if (typeof network === "string") return {};
  const { device, mac } = network;
  return { "network-interfaces": [{ iface_id: "eth0", host_dev_name: device, guest_mac: mac }] };
}

/** What the guest gets back when it is out of memory, it keeps. */
function balloonOf({ memoryMiB, reservationMiB }: MachineSpec): Pick<Devices, "balloon"> {
  if (reservationMiB === undefined) return {};
  const amount_mib = Math.max(0, memoryMiB - reservationMiB);
  return { balloon: { amount_mib, deflate_on_oom: true } };
}

/**
 * Never the root device: init finds the root by its UUID, and `root=` on the command line would
 * be in its way. `Writeback` lets the guest's fsync reach the host's disk, as with QEMU.
 */
function driveOf({ path, readOnly }: Drive, index: number, options: DriveOptions = {}) {
  return {
    drive_id: `drive${index}`,
    path_on_host: path,
    is_root_device: false,
    is_read_only: readOnly,
    cache_type: readOnly ? "Unsafe" : "Writeback",
    io_engine: options.ioEngine === "async" ? "Async" : "Sync",
    ...rateLimiter(options),
  };
}

/** In `ms`: what is not used in one second does not add to the next. */
const REFILL_MS = 1000;

function rateLimiter({ bytesPerSecond, requestsPerSecond }: DriveOptions): object {
  const bucket = (name: string, size: number | undefined): object =>
    size === undefined ? {} : { [name]: { size, refill_time: REFILL_MS } };
  const limits = { ...bucket("bandwidth", bytesPerSecond), ...bucket("ops", requestsPerSecond) };
  return Object.keys(limits).length === 0 ? {} : { rate_limiter: limits };
}

/** The requests that make the machine, in the order in which Firecracker wants them. */
export function requestsFor(devices: Devices): readonly SocketRequest[] {
  const { drives, vsock, balloon, "network-interfaces": cards = [] } = devices;
  return [
    put("/machine-config", devices["machine-config"]),
    put("/boot-source", devices["boot-source"]),
    ...drives.map((drive) => put(`/drives/${drive.drive_id}`, drive)),
    ...cards.map((card) => put(`/network-interfaces/${card.iface_id}`, card)),
    ...(vsock === undefined ? [] : [put("/vsock", vsock)]),
    put("/entropy", devices.entropy),
    ...(balloon === undefined ? [] : [put("/balloon", balloon)]),
  ];
}

/** Written once a minute, and when Firecracker ends. */
export function metricsTo(path: string): SocketRequest {
  return put("/metrics", { metrics_path: path });
}

export const VERSION: SocketRequest = { method: "GET", path: "/version" };

export const INSTANCE_START: SocketRequest = put("/actions", { action_type: "InstanceStart" });

function put(path: string, body: object): SocketRequest {
  return { method: "PUT", path, body };
}
