import { expect, test } from "vitest";
import { archOf } from "./index.ts";

const caller = (environment: Record<string, string> = {}) =>
  ({ environment, arch: "x86_64" }) as const;

test("a platform is named as Docker does, by option, by environment, or is this machine's", () => {
  expect(archOf("linux/amd64", caller())).toBe("x86_64");
  expect(archOf("linux/arm64", caller())).toBe("aarch64");
  expect(archOf("linux/arm64/v8", caller())).toBe("aarch64");
  expect(archOf(undefined, caller())).toBe("x86_64");
  const byDefault = caller({ DOCKER_DEFAULT_PLATFORM: "linux/arm64" });
  expect(archOf(undefined, byDefault)).toBe("aarch64");
  expect(archOf("linux/amd64", byDefault)).toBe("x86_64");
  expect(archOf(undefined, caller({ DOCKER_DEFAULT_PLATFORM: "" }))).toBe("x86_64");
});

test("another platform is USAGE that names what was given, and the variable where it did", () => {
  for (const wanted of ["linux/riscv64", "arm64", "linux/arm64/v7", "", "toString"]) {
    const message = expect.stringContaining(`"${wanted}": wanted linux/amd64 or linux/arm64`);
    expect(() => archOf(wanted, caller())).toThrow(
      expect.objectContaining({ code: "USAGE", message }),
    );
  }
  expect(() => archOf(undefined, caller({ DOCKER_DEFAULT_PLATFORM: "x" }))).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("DOCKER_DEFAULT_PLATFORM") }),
  );
});
