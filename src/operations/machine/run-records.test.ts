import { expect, test } from "vitest";
import { parseConfig } from "../../application/index.ts";
import { planRun } from "../../config/index.ts";
import { decodeRecords } from "../../guest/index.ts";
import { runFiles } from "./run-records.ts";

const caller = {
  environment: { HAVE: "host's" },
  workingDirectory: "/",
  arch: "x86_64",
} as const;

const image = {
  format: "ext4",
  uuid: "",
  config: { Cmd: ["/bin/app"], Env: ["GONE=1", "HAVE=image's", "KEPT=2"] },
  users: { passwd: undefined, group: undefined },
  reports: true,
  isApp: false,
} as const;

test("-e NAME alone takes the caller's value, and the image's away where the caller has none", () => {
  const options = { source: "/x.ext4", env: ["GONE", "HAVE", "NEITHER", "EMPTY="] };
  const plan = { ...planRun(options, caller), accel: "tcg" } as const;
  const [config, records] = runFiles(plan, image, { ports: [], mounts: [], ending: "power-off" });
  const { env } = decodeRecords(records!.bytes);
  expect(env).toEqual(expect.arrayContaining(["HAVE=host's", "KEPT=2", "EMPTY="]));
  expect(env!.filter((line) => /GONE|NEITHER/.test(line))).toEqual([]);
  expect(parseConfig(config!.bytes, { section: "run" }).Env).toEqual(["HAVE=host's", "EMPTY="]);
});

test("a relayed machine has the guest's address on lo, and a relay where ports are published", () => {
  const plan = {
    ...planRun({ source: "/x.ext4", network: "relay" }, caller),
    accel: "tcg",
  } as const;
  const port = {
    protocol: "tcp",
    hostAddress: "127.0.0.1",
    hostPort: 8080,
    guestPort: 80,
  } as const;
  const recordsFor = (ports: readonly (typeof port)[]) =>
    decodeRecords(runFiles(plan, image, { ports, mounts: [], ending: "power-off" })[1]!.bytes);
  const { addresses, gateway, relay, ports } = recordsFor([port]);
  expect(addresses?.map((one) => `${one.interface} ${one.address}`)).toEqual([
    "lo 127.0.0.1/8",
    "lo 10.0.2.15/32",
  ]);
  expect([gateway, relay, ports]).toEqual([undefined, "10.0.2.15", [80]]);
  expect(recordsFor([]).relay).toBe(undefined);
});

test("a machine on a TAP has its own address, the host as its gateway, and name servers it reaches", () => {
  const plan = { ...planRun({ source: "/x.ext4", network: "tap" }, caller), accel: "tcg" } as const;
  const tap = {
    host: "172.30.252.1",
    guest: "172.30.252.2",
    prefix: 30,
    nameservers: ["192.0.2.53"],
  };
  const made = { ports: [], mounts: [], ending: "power-off", tap } as const;
  const { addresses, gateway, nameservers, relay } = decodeRecords(
    runFiles(plan, image, made)[1]!.bytes,
  );
  expect(addresses).toEqual([{ interface: "eth0", address: "172.30.252.2/30" }]);
  expect([gateway, nameservers, relay]).toEqual([tap.host, tap.nameservers, undefined]);
});
