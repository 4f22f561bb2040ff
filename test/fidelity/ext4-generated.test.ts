/** Generated trees: whatever the mixture, e2fsck is content and the kernel reads it back. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  buildExt4,
  canMount,
  e2fsck,
  kernelComplaints,
  kernelManifest,
  mountImage,
} from "../support/ext4-image.ts";
import { grow, plan } from "../support/generated-trees.ts";

const size = fc.constantFrom<"min" | undefined | number>("min", undefined, 96 << 20);

test("e2fsck is content with every tree", () => {
  fc.assert(
    fc.property(plan, size, fc.boolean(), (nodes, sizeBytes, journal) => {
      const options = sizeBytes === undefined ? { journal } : { journal, sizeBytes };
      const { path } = buildExt4((make) => grow(make, nodes), { ...options, compare: false });
      const { status, output } = e2fsck(path);
      expect(status, output).toBe(0);
    }),
    { numRuns: 40, seed: 1 },
  );
});

test.skipIf(!canMount)("the kernel reads every tree back", () => {
  fc.assert(
    fc.property(plan, size, (nodes, sizeBytes) => {
      const options = sizeBytes === undefined ? {} : { sizeBytes };
      const built = buildExt4((make) => grow(make, nodes), options);
      using mount = mountImage(built.path);
      expect(kernelManifest(mount.root)).toEqual(built.expected());
      expect(kernelComplaints(mount.device)).toEqual([]);
    }),
    { numRuns: 25, seed: 2 },
  );
});
