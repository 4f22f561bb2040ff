/** fsck.erofs finds nothing to complain about, and the kernel gives back everything that went in. */
import { expect, test } from "vitest";
import { buildErofs, fsckErofs, mountReadOnly } from "../support/erofs-image.ts";
import { canMount, kernelComplaints, kernelManifest } from "../support/ext4-image.ts";
import { trees } from "../support/sample-trees.ts";

for (const [name, fill] of Object.entries(trees)) {
  test(`the tree "${name}" in EROFS is clean`, () => {
    const { path, warnings } = buildErofs(fill);
    expect(fsckErofs(path)).toMatchObject({ status: 0 });
    expect(warnings).toEqual([]);
  });

  test.skipIf(!canMount)(`the tree "${name}" in EROFS is what the kernel reads`, () => {
    const built = buildErofs(fill);
    using mount = mountReadOnly(built.path, "erofs");
    expect(kernelManifest(mount.root)).toEqual(built.expected());
    expect(kernelComplaints(mount.device)).toEqual([]);
  });
}
