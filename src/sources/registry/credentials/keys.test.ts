import { expect, test } from "vitest";
import { findKey, keyOf, meaningOf } from "./keys.ts";

test("R16 keys with a scheme or a path mean exactly their host", () => {
  const rows = {
    "ghcr.io": ["ghcr.io", ""],
    "https://ghcr.io": ["ghcr.io", ""],
    "https://ghcr.io/v2/": ["ghcr.io", ""],
    "http://localhost:5000/some/path": ["localhost:5000", ""],
    "GHCR.io": ["ghcr.io", ""],
    "https://index.docker.io/v1/": ["docker.io", ""],
    "docker.io": ["docker.io", ""],
    "registry-1.docker.io": ["docker.io", ""],
    "quay.io/team": ["quay.io", "team"],
    "quay.io/team/app": ["quay.io", "team/app"],
    "evil.example/ghcr.io": ["evil.example", "ghcr.io"],
  };
  const found = Object.keys(rows).map((key) => {
    const { host, namespace } = meaningOf(key);
    return [key, [host, namespace]];
  });
  expect(Object.fromEntries(found)).toEqual(rows);
});

test("R16 no host's credentials go to another one that ends or begins alike", () => {
  const keys = ["ghcr.io", "https://example.com:5000/v2/", "docker.io"];
  for (const registry of [
    "evilghcr.io",
    "ghcr.io.evil",
    "sub.ghcr.io",
    "example.com",
    "ghcr.io:443",
  ]) {
    expect(findKey(keys, registry, "app")).toBeUndefined();
  }
  expect(findKey(keys, "example.com:5000", "app")).toBe("https://example.com:5000/v2/");
});

test("the longest namespace that holds the repository decides", () => {
  const keys = ["quay.io", "quay.io/team", "quay.io/team/app"];
  expect(findKey(keys, "quay.io", "team/app")).toBe("quay.io/team/app");
  expect(findKey(keys, "quay.io", "team/application")).toBe("quay.io/team");
  expect(findKey(keys, "quay.io", "teams/app")).toBe("quay.io");
});

test("Docker Hub's key is the one that Docker uses, before others of the same meaning", () => {
  expect(keyOf("docker.io")).toBe("https://index.docker.io/v1/");
  expect(keyOf("localhost:5000")).toBe("localhost:5000");
  const keys = ["docker.io", "https://index.docker.io/v1/"];
  expect(findKey(keys, "docker.io", "library/nginx")).toBe("https://index.docker.io/v1/");
});
