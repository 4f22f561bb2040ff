import { expect, test } from "vitest";
import {
  cloudHypervisorFaults,
  faultsOf,
  firecrackerFaults,
  jailerFaults,
  libslirpFaults,
  type KnownBad,
} from "./known-bad.ts";

const names = (version: string, known: readonly KnownBad[]): string[] =>
  faultsOf(version, known).map(({ name }) => name);

test.each([
  ["1.12.1", ["CVE-2026-1386"]],
  ["1.13.0", ["CVE-2026-5747", "CVE-2026-1386"]],
  ["1.13.2", ["CVE-2026-5747"]],
  ["1.14.0", ["CVE-2026-5747", "CVE-2026-1386"]],
  ["1.14.3", ["CVE-2026-5747"]],
  ["1.14.4", []],
  ["1.15.0", ["CVE-2026-5747"]],
  ["1.15.1", []],
  ["1.16.1", []],
  ["1.17.0-dev", []],
])("Firecracker %s has the faults %j", (version, faults) => {
  const both = [...firecrackerFaults, ...jailerFaults];
  expect(names(version, both)).toEqual(faults);
});

test("libslirp and Cloud Hypervisor are mended from one version on", () => {
  expect(names("4.7.0", libslirpFaults)).toEqual(["CVE-2026-9539"]);
  expect(names("4.9.1", libslirpFaults)).toEqual(["CVE-2026-9539"]);
  expect(names("4.9.2", libslirpFaults)).toEqual([]);
  expect(names("4.10.0", libslirpFaults)).toEqual([]);
  expect(names("51.1", cloudHypervisorFaults)).toEqual(["CVE-2026-45782"]);
  expect(names("51.2", cloudHypervisorFaults)).toEqual([]);
  expect(names("53.0", cloudHypervisorFaults)).toEqual([]);
});

test("a version that is not told has no known faults", () => {
  expect(names("of unknown version", libslirpFaults)).toEqual([]);
});
