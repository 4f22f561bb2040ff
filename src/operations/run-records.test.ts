import { expect, test } from "vitest";
import { parseConfig } from "../application/index.ts";
import { planRun } from "../config/index.ts";
import { decodeRecords } from "../guest/index.ts";
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
