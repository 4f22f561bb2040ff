import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { apiProblems, type ApiRequest } from "../../../test/support/firecracker-api.ts";
import type { MachineSpec } from "../vmm.ts";
import { devicesOf, INSTANCE_START, metricsTo, requestsFor, VERSION } from "./requests.ts";

const spec: MachineSpec = {
  arch: "x86_64",
  kernel: "/run/m/vmlinux",
  initrd: "/run/m/initrd.cpio",
  commandLine: "console=ttyS0 quiet",
  memoryMiB: 128,
  cpus: 2,
  drives: [
    { path: "/run/m/app.ext4", readOnly: true },
    { path: "/run/m/overlay.ext4", readOnly: false },
  ],
  ports: [],
  network: "none",
  relay: true,
  accel: "kvm",
  directory: "/run/m",
};

const all: readonly ApiRequest[] = [
  VERSION,
  ...requestsFor(devicesOf(spec, { vsock: "/run/m/vsock" })),
  INSTANCE_START,
];

test("every request is one that Firecracker's API description has", () => {
  expect(all.map((request) => [request.path, apiProblems(request)])).toEqual([
    ["/version", []],
    ["/machine-config", []],
    ["/boot-source", []],
    ["/drives/drive0", []],
    ["/drives/drive1", []],
    ["/vsock", []],
    ["/entropy", []],
    ["/actions", []],
  ]);
});

test("metrics go to a file that Firecracker's API description takes", () => {
  const request = metricsTo("/run/m/metrics");
  expect([request.path, apiProblems(request)]).toEqual(["/metrics", []]);
  expect(apiProblems({ ...request, body: {} })).toEqual([".metrics_path: missing"]);
});

test("a balloon takes what is beyond the reservation, and gives it back to a guest in need", () => {
  const balloons = (reservationMiB: number): readonly ApiRequest[] =>
    requestsFor(devicesOf({ ...spec, reservationMiB })).filter(({ path }) => path === "/balloon");
  const [request] = balloons(48);
  expect(apiProblems(request!)).toEqual([]);
  expect(request!.body).toEqual({ amount_mib: 80, deflate_on_oom: true });
  expect(apiProblems({ ...request!, body: { amount_mib: 1 } })).toEqual([
    ".deflate_on_oom: missing",
  ]);
  expect(balloons(500)[0]!.body).toMatchObject({ amount_mib: 0 });
});

test("the check notices an unknown key, a missing one, a wrong type, value and path", () => {
  const [, machine, , drive, , vsock] = all;
  const wrong = (request: ApiRequest, body: object): string[] =>
    apiProblems({ ...request, body: { ...request.body, ...body } });
  expect(wrong(machine!, { vcpus: 1 })).toEqual([".vcpus: unknown"]);
  expect(wrong(machine!, { vcpu_count: 33 })).toEqual([".vcpu_count: 33"]);
  expect(wrong(machine!, { smt: "no" })).toEqual([".smt: no boolean"]);
  expect(wrong(drive!, { cache_type: "None" })).toEqual([".cache_type: None"]);
  expect(wrong(vsock!, { guest_cid: 2 })).toEqual([".guest_cid: 2"]);
  expect(apiProblems({ ...drive!, body: { path_on_host: "/x" } })).toEqual([
    ".drive_id: missing",
    ".is_root_device: missing",
  ]);
  expect(apiProblems({ ...drive!, path: "/disks/a" })).toHaveLength(1);
});

test("no drive is the root device, and only what is written is flushed", () => {
  const { drives } = devicesOf(spec) as unknown as { drives: Record<string, unknown>[] };
  expect(drives.map((drive) => drive["is_root_device"])).toEqual([false, false]);
  expect(drives.map((drive) => drive["cache_type"])).toEqual(["Unsafe", "Writeback"]);
});

test("rates and the engine of drives are asked for only where they are given", () => {
  const drives = { ioEngine: "async", bytesPerSecond: 1000, requestsPerSecond: 5 } as const;
  const limited = requestsFor(devicesOf(spec, { drives })).filter(({ path }) =>
    path.startsWith("/drives/"),
  );
  expect(limited.flatMap(apiProblems)).toEqual([]);
  expect(limited[0]!.body).toMatchObject({
    io_engine: "Async",
    rate_limiter: {
      bandwidth: { size: 1000, refill_time: 1000 },
      ops: { size: 5, refill_time: 1000 },
    },
  });
  const one = devicesOf(spec, { drives: { requestsPerSecond: 5 } }).drives[0];
  expect(one).toMatchObject({ rate_limiter: { ops: { size: 5 } }, io_engine: "Sync" });
  expect(devicesOf(spec).drives[0]).not.toHaveProperty("rate_limiter");
});

test("a card on a TAP is asked for before the guest starts, without the metadata service", () => {
  const network = { device: "wick-0a1b2c3d", mac: "06:00:ac:1e:fc:02" };
  const requests = requestsFor(devicesOf({ ...spec, network }, { vsock: "/run/m/vsock" }));
  const card = requests.find(({ path }) => path.startsWith("/network-interfaces/"))!;
  expect(apiProblems(card)).toEqual([]);
  expect(card).toEqual({
    method: "PUT",
    path: "/network-interfaces/eth0",
    body: { iface_id: "eth0", host_dev_name: network.device, guest_mac: network.mac },
  });
  expect(requests.some(({ path }) => path.startsWith("/mmds"))).toBe(false);
  expect(devicesOf(spec)).not.toHaveProperty("network-interfaces");
});

test("boot_args are always given: Firecracker's own forbid modules", () => {
  const devices = devicesOf({ ...spec, commandLine: "" }) as unknown as {
    "boot-source": { boot_args: string };
  };
  expect(devices["boot-source"].boot_args).toBe("");
});

interface Recorded extends ApiRequest {
  readonly status: number;
}

test("the requests are those of a session recorded with Firecracker 1.16.1, which took them all", () => {
  const file = new URL("../../../test/fixtures/firecracker-session-v1.16.1.json", import.meta.url);
  const { session } = JSON.parse(readFileSync(file, "utf8")) as { session: readonly Recorded[] };
  expect(session.map(({ method, path, body }) => ({ method, path, body }))).toEqual(
    all.map(({ method, path, body }) => ({ method, path, body })),
  );
  expect(session.map(({ status }) => status)).toEqual([200, ...Array<number>(7).fill(204)]);
});
