import { expect, test } from "vitest";
import {
  choosePlatform,
  type Descriptor,
  matchesPlatform,
  mediaTypes,
  type Platform,
} from "./index.ts";

const digestNo = (n: number): `sha256:${string}` => `sha256:${String(n).padStart(64, "0")}`;
const one = (n: number, platform?: Platform, more: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: mediaTypes.ociManifest,
  digest: digestNo(n),
  size: 1,
  ...(platform && { platform }),
  ...more,
});
const linux = (architecture: string, variant?: string): Platform => ({
  architecture,
  os: "linux",
  ...(variant !== undefined && { variant }),
});
const chosen = (
  manifests: readonly Descriptor[],
  architecture: "x86_64" | "aarch64" = "x86_64",
): number =>
  Number(choosePlatform({ kind: "index", manifests }, { architecture }, "app:1").digest.slice(7));

test("the first manifest of the platform is chosen, as containerd does", () => {
  const usual = [one(1, linux("386")), one(2, linux("amd64")), one(3, linux("arm64", "v8"))];
  expect(chosen(usual)).toBe(2);
  expect(chosen(usual, "aarch64")).toBe(3);
  expect(chosen([one(1, linux("arm64"))], "aarch64")).toBe(1);
  expect(chosen([one(1, linux("amd64")), one(2, linux("amd64"))])).toBe(1);
  expect(chosen([one(1, linux("amd64", "v3")), one(2, linux("amd64", "v1"))])).toBe(2);
  expect(chosen([one(1, linux("arm64", "v9")), one(2, linux("arm64", "8"))], "aarch64")).toBe(2);
  expect(chosen([one(1, linux("x86_64"))])).toBe(1);
});

test("a manifest without a platform is taken only where no other fits", () => {
  expect(chosen([one(1), one(2, linux("amd64"))])).toBe(2);
  expect(chosen([one(1, linux("arm64")), one(2)])).toBe(2);
});

test("attestations and other artefacts are passed over", () => {
  const unknown = { architecture: "unknown", os: "unknown" };
  const type = { "vnd.docker.reference.type": "attestation-manifest" };
  const beside = [
    one(1, unknown),
    one(2, undefined, { annotations: type }),
    one(3, undefined, { artifactType: "application/vnd.in-toto+json" }),
  ];
  expect(chosen([...beside, one(4, linux("amd64"))])).toBe(4);
  expect(() => chosen(beside)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
});

test("no such platform: the error has those that there are, and the option for the other", () => {
  const manifests = [
    one(1, linux("arm64", "v8")),
    one(2, { architecture: "amd64", os: "windows" }),
  ];
  expect(() => chosen(manifests)).toThrow(
    expect.objectContaining({
      code: "UNSUPPORTED",
      message: "Cannot use app:1: it has linux/arm64/v8, windows/amd64, wanted linux/amd64",
      hint: "--platform linux/arm64",
    }),
  );
});

test("32-bit systems and higher variants are no match", () => {
  for (const platform of [linux("386"), linux("arm", "v7"), linux("amd64", "v2"), linux("s390x")]) {
    expect(matchesPlatform(platform, { architecture: "x86_64" })).toBe(false);
    expect(matchesPlatform(platform, { architecture: "aarch64" })).toBe(false);
  }
});
