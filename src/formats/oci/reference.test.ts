import { expect, test } from "vitest";
import * as fc from "fast-check";
import { isWickError } from "../../errors/index.ts";
import { parseReference, showReference } from "./index.ts";

const HEX = "0123456789abcdef".repeat(4);
const shown = (text: string): string => showReference(parseReference(text));

test("names are filled in by Docker's rules", () => {
  for (const [text, complete] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:alpine", "docker.io/library/nginx:alpine"],
    ["team/app", "docker.io/team/app:latest"],
    ["docker.io/nginx", "docker.io/library/nginx:latest"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
    ["docker.io/library/nginx:1", "docker.io/library/nginx:1"],
    ["ghcr.io/x/y", "ghcr.io/x/y:latest"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/app:1.0_x-Y", "localhost:5000/app:1.0_x-Y"],
    ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"],
    ["[::1]:5000/app", "[::1]:5000/app:latest"],
    ["Registry/app", "registry/app:latest"],
    ["my-host/app", "docker.io/my-host/app:latest"],
    ["a__b/c--d.e_f", "docker.io/a__b/c--d.e_f:latest"],
    [`nginx@sha256:${HEX}`, `docker.io/library/nginx@sha256:${HEX}`],
  ] as const) {
    expect(shown(text), text).toBe(complete);
  }
});

test("C9: with a tag and a digest both are kept, and the digest decides", () => {
  expect(parseReference(`nginx:alpine@sha256:${HEX}`)).toEqual({
    registry: "docker.io",
    repository: "library/nginx",
    tag: "alpine",
    digest: `sha256:${HEX}`,
  });
});

test("C9: what is no name is USAGE with the reason", () => {
  for (const [text, reason] of [
    ["", /no name/],
    ["Nginx", /upper-case/],
    ["host.io/Team/app", /upper-case/],
    ["host:99999/x", /port 99999/],
    ["host:0/x", /port 0/],
    ["host.io:/x", /not a host/],
    ["-host.io/x", /not a host/],
    ["a//b", /malformed/],
    ["//", /malformed/],
    ["/a", /malformed/],
    ["a/", /malformed/],
    ["a/../b", /malformed|not a host/],
    ["a___b", /malformed/],
    ["-a", /malformed/],
    ["a b", /malformed/],
    ["a:", /tag "" is malformed/],
    ["a:-x", /tag/],
    [`a:${"x".repeat(129)}`, /tag/],
    ["x".repeat(256), /over 255/],
    [HEX, /64 hex digits/],
    ["a@sha256:zz", /digest/],
    [`a@sha512:${HEX}${HEX}`, /sha512, wanted sha256/],
    [`a@sha256:${HEX.toUpperCase()}`, /digest/],
    ["https://ghcr.io/x", /scheme/],
    ["a\n", /malformed/],
    ["a:b\u202e", /tag/],
  ] as const) {
    expect(() => parseReference(text), text).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(reason) }),
    );
  }
  expect(() => parseReference("a\x1b[31m")).toThrow(/\\x1b/);
  expect(() => parseReference("Nginx")).toThrow(expect.objectContaining({ hint: "write nginx" }));
});

const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const component = fc
  .tuple(part, fc.constantFrom("", ".", "_", "__", "-", "---"), part)
  .map(([a, between, b]) => (between === "" ? a : `${a}${between}${b}`));
const host = fc.oneof(
  fc.constantFrom("docker.io", "localhost", "[::1]", "127.0.0.1", "ghcr.io"),
  fc.tuple(part, part).map(([a, b]) => `${a}.${b}`),
);
const reference = fc
  .record({
    registry: fc.tuple(host, fc.option(fc.integer({ min: 1, max: 65535 }))),
    repository: fc.array(component, { minLength: 1, maxLength: 4 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)),
    digest: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
  })
  .map(({ registry: [name, port], repository, tag, digest }) => {
    const where = `${name}${port === null ? "" : `:${port}`}/${repository.join("/")}`;
    return `${where}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@sha256:${digest}`}`;
  });

test("what is shown of a name is understood as the same name", () => {
  fc.assert(
    fc.property(reference, (text) => {
      const parsed = parseReference(text);
      expect(parseReference(showReference(parsed))).toEqual(parsed);
      expect(shown(shown(text))).toBe(shown(text));
    }),
  );
});

test("fuzz: any text is a name or USAGE; a name's parts hold nothing that leads elsewhere", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(/^[a-zA-Z0-9.:/@_\-[\] %?#\\]{0,60}$/),
    reference.chain((good) =>
      fc.tuple(fc.nat(), fc.string()).map(([at, put]) => {
        const cut = at % (good.length + 1);
        return good.slice(0, cut) + put + good.slice(cut + 1);
      }),
    ),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        const { registry, repository, tag } = parseReference(any);
        expect(repository).toMatch(/^[a-z0-9._/-]+$/);
        expect(repository.split("/")).not.toContain("..");
        expect(registry).toMatch(/^[a-z0-9.:[\]-]+$/);
        if (tag !== undefined) expect(tag).toMatch(/^[\w.-]+$/);
      } catch (error) {
        if (!isWickError(error, "USAGE")) throw error;
        expect(error.message).not.toMatch(/\p{Cc}/u);
      }
    }),
    { numRuns: 5000 },
  );
});
