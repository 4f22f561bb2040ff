/** For tests: generated trees. */
import * as fc from "fast-check";
import type { Metadata } from "../../src/tree/index.ts";
import type { TreeMaker } from "./tree-maker.ts";

/** Any byte of a name, but for `|`, which divides the lines that are compared. */
const byte = fc.integer({ min: 1, max: 255 }).filter((b) => b !== 0x2f && b !== 0x7c);
const name = fc
  .oneof(
    { weight: 5, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 255 }) },
  )
  .chain((bytes) => fc.tuple(...Array.from(bytes, () => byte)))
  .map((bytes) => Uint8Array.from(bytes))
  .filter((bytes) => !(bytes[0] === 0x2e && bytes.length <= 2));

const id = fc.oneof(fc.nat(2000), fc.constantFrom(65_535, 65_536, 2 ** 31, 2 ** 32 - 2));
const xattr = fc.record({
  name: fc
    .tuple(fc.constantFrom("user", "trusted", "security"), fc.stringMatching(/^[a-z]{1,20}$/))
    .map(([space, rest]) => Buffer.from(`${space}.wick.${rest}`)),
  value: fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ minLength: 500, maxLength: 900 }),
  ),
});
const metadata: fc.Arbitrary<Metadata> = fc.record({
  mode: fc.nat(0o7777),
  uid: id,
  gid: id,
  mtime: fc.record({
    seconds: fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 34 - 2 ** 31 - 1 }),
      fc.constantFrom(-(2 ** 31), -1, 0, 2 ** 31, 2 ** 34 - 2 ** 31 - 1),
    ),
    nanoseconds: fc.nat(999_999_999),
  }),
  xattrs: fc.uniqueArray(xattr, { maxLength: 4, selector: ({ name }) => name.toString() }),
});

const piece = fc.oneof(
  fc
    .tuple(fc.constantFrom(1, 100, 4095, 4096, 4097, 70_000), fc.integer({ min: 0, max: 255 }))
    .map(([length, fill]) => new Uint8Array(length).fill(fill)),
  fc.constantFrom(1, 4095, 4096, 4097, 50_000),
);

type Node =
  | {
      readonly kind: "file";
      readonly contents: readonly (Uint8Array | number)[];
      readonly replaced: boolean;
    }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "device"; readonly major: number; readonly minor: number }
  | { readonly kind: "fifo" }
  | { readonly kind: "socket" }
  | { readonly kind: "link"; readonly to: number }
  | { readonly kind: "many"; readonly count: number; readonly length: number }
  | { readonly kind: "directory" };

const node: fc.Arbitrary<Node> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("file" as const),
      contents: fc.array(piece, { maxLength: 12 }),
      replaced: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("directory" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("symlink" as const),
      target: fc
        .oneof(fc.integer({ min: 1, max: 130 }), fc.constantFrom(59, 60, 4095))
        .map((length) => "t".repeat(length)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("device" as const),
      major: fc.nat(4095),
      minor: fc.nat(1_048_575),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Node>({ kind: "fifo" }, { kind: "socket" }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("link" as const), to: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("many" as const),
      count: fc.integer({ min: 1, max: 700 }),
      length: fc.integer({ min: 4, max: 255 }),
    }),
  },
);

/** Up to sixty nodes of any kind, to be grown. */
export const plan = fc.array(fc.record({ parent: fc.nat(), name, metadata, node }), {
  maxLength: 60,
});
export type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

/** Makes the nodes of a plan; a name that is taken is left out. */
export function grow(make: TreeMaker, nodes: Plan): void {
  const { tree } = make;
  const directories = [0];
  const linkable: number[] = [];
  for (const { parent, name, metadata, node } of nodes) {
    const at = directories[parent % directories.length]!;
    if (tree.lookup(at, name) >= 0) continue;
    // The kernel gives symlinks a mode of 0777 and takes no user. attributes for special files.
    const plain = { ...metadata, xattrs: [] };
    switch (node.kind) {
      case "file": {
        const ino = make.file(at, name, node.contents, metadata);
        if (node.replaced) make.setContents(ino, node.contents.toReversed());
        linkable.push(ino);
        break;
      }
      case "directory":
        directories.push(make.directory(at, name, metadata));
        break;
      case "many": {
        const many = make.directory(at, name, metadata);
        for (let i = 0; i < node.count; i++) make.file(many, `${i}`.padStart(node.length, "0"));
        directories.push(many);
        break;
      }
      case "symlink":
        linkable.push(make.symlink(at, name, node.target, { ...plain, mode: 0o777 }));
        break;
      case "link": {
        const to = linkable[node.to % linkable.length];
        if (to !== undefined) tree.link(at, name, to);
        break;
      }
      case "device": {
        const ino = tree.create(at, name, "block", plain);
        tree.inodes.setRdev(ino, { major: node.major, minor: node.minor });
        break;
      }
      default:
        tree.create(at, name, node.kind, plain);
    }
  }
}
