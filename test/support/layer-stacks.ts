/** For tests: stacks of layers, generated, as steps and as tar archives. */
import * as fc from "fast-check";
import { LayerModel, Impossible, splitPath, type ModelMetadata, type Step } from "./layer-model.ts";
import { archive, file, header, pax, type HeaderFields } from "./tar-builder.ts";

/** Layers, the lowest first. */
export type Stack = readonly (readonly Step[])[];

const name = fc.constantFrom("a", "b", "c", "dd");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const target = fc.oneof(
  path,
  path.map((text) => `/${text}`),
  path.map((text) => `../${text}`),
  fc.constantFrom(".", "..", "/"),
);
/** No generated time is later: a later one comes from a tool's own clock. */
export const LATEST_SECONDS = 1_500_000_000;

const metadata: fc.Arbitrary<ModelMetadata> = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o600, 0o4755, 0o1777, 0o2750),
  uid: fc.constantFrom(0, 1000, 65_536, 3_000_000_000),
  gid: fc.constantFrom(0, 1000, 70_000),
  mtime: fc.record({
    seconds: fc.integer({ min: 1, max: LATEST_SECONDS }),
    nanoseconds: fc.constantFrom(0, 1, 123_456_789),
  }),
  xattrs: fc.constantFrom(
    {},
    {},
    {},
    { "user.one": "1" },
    { "user.two": "\x00\xff", "user.x": "\n=" },
  ),
});
const kind = fc.constantFrom<Step["kind"]>(
  ...(["directory", "directory", "file", "file", "file", "file", "symlink", "symlink"] as const),
  ...(["hardlink", "hardlink", "char", "fifo", "hide", "hide", "hide", "opaque"] as const),
);
const contents = fc.oneof(
  fc.constantFrom("", "x"),
  fc.integer({ min: 1, max: 9000 }).map((length) => "z".repeat(length)),
);
const wish = fc.record({ kind, path, target, metadata, contents });
type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

/** How a stack is to be. */
export interface StackKind {
  /** As makers of layers write them: whatever a step needs above it is described before it. */
  readonly complete: boolean;
  /** Whether a layer names nothing again that it has made, be it to replace or to hide it. */
  readonly once: boolean;
}

/** Stacks whose every step can be taken. */
export function stacks(how: StackKind): fc.Arbitrary<Stack> {
  const layer = fc.array(wish, { minLength: 1, maxLength: 14 });
  return fc.array(layer, { minLength: 2, maxLength: 5 }).map((layers) => possible(layers, how));
}

/** The wishes that can be fulfilled, with what they need. */
function possible(layers: readonly (readonly Wish[])[], how: StackKind): Stack {
  const model = new LayerModel();
  return layers.map((wishes) => {
    model.beginLayer();
    return wishes.flatMap((wanted) => attempt(model, wanted, how));
  });
}

function attempt(model: LayerModel, wanted: Wish, how: StackKind): Step[] {
  const taken: Step[] = [];
  const take = (step: Step): void => {
    model.take(step);
    taken.push(step);
  };
  try {
    const step = stepOf(model, wanted);
    const names =
      step.kind === "opaque" ? model.follow(splitPath(step.path)) : model.place(step.path);
    const kind = model.get(names)?.kind;
    const isMerge = step.kind === "directory" && kind === "directory";
    if (how.once && model.isUpper(names) && !isMerge) return [];
    if (step.kind === "opaque" && kind !== "directory") return [];
    if (how.complete) {
      const above = step.kind === "opaque" ? names : names.slice(0, -1);
      checkDirectories(model, above);
      for (const parent of parentsToDescribe(model, above, wanted.metadata)) take(parent);
    }
    take(step);
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
  }
  return taken;
}

function stepOf(model: LayerModel, { kind, path, target, metadata, contents }: Wish): Step {
  const plain = { kind, path, metadata: { ...metadata, xattrs: {} } };
  switch (kind) {
    case "file":
      return { ...plain, metadata, contents };
    case "directory":
      return { ...plain, metadata };
    case "symlink":
      return { ...plain, target, metadata: { ...plain.metadata, mode: 0o777 } };
    case "hardlink": {
      const link = { ...plain, target: target.replace(/^(\/|\.\.\/)+/, "") };
      if (splitPath(link.target).length === 0 || link.target.includes("..")) {
        throw new Impossible("a link to no file");
      }
      // A link's header repeats what its file has.
      return { ...link, metadata: model.linkTarget(link).metadata };
    }
    default:
      return plain;
  }
}

function checkDirectories(model: LayerModel, names: readonly string[]): void {
  for (let length = 1; length <= names.length; length++) {
    const node = model.get(names.slice(0, length));
    if (node !== undefined && node.kind !== "directory") throw new Impossible("not a directory");
  }
}

/** Entries for the directories of `names` that this layer has not described yet. */
function parentsToDescribe(
  model: LayerModel,
  names: readonly string[],
  metadata: ModelMetadata,
): Step[] {
  const parents: Step[] = [];
  for (let length = 1; length <= names.length; length++) {
    const parent = names.slice(0, length);
    if (model.isUpper(parent)) continue;
    const known = model.get(parent)?.metadata ?? { ...metadata, mode: 0o755 };
    parents.push({ kind: "directory", path: parent.join("/"), metadata: known });
  }
  return parents;
}

const typeflags = { directory: "5", symlink: "2", hardlink: "1", char: "3", fifo: "6" } as const;

/** A layer as a tar archive. */
export function layerTar(steps: readonly Step[]): Uint8Array {
  return archive(...steps.flatMap(entryOf));
}

function entryOf(step: Step): Uint8Array[] {
  const { kind, path, metadata, contents = "", target = "" } = step;
  const { mode, uid, gid, mtime, xattrs } = metadata;
  if (kind === "hide") return [file(path.replace(/[^/]*$/, (last) => `.wh.${last}`))];
  if (kind === "opaque") return [file(`${path}/.wh..wh..opq`)];
  const records = [
    ["mtime", `${mtime.seconds}.${String(mtime.nanoseconds).padStart(9, "0")}`],
    ["uid", `${uid}`],
    ["gid", `${gid}`],
    ...Object.entries(xattrs).map(([key, value]) => [
      `SCHILY.xattr.${key}`,
      Buffer.from(value, "latin1"),
    ]),
  ] as [string, Uint8Array | string][];
  // Whatever a header says of a symlink's mode, the kernel gives it 0777.
  const fields: HeaderFields = { mode: kind === "symlink" ? 0o640 : mode, major: 0, minor: 0 };
  const body = Buffer.from(contents, "latin1");
  if (kind === "file") return [pax(records), file(path, body, fields)];
  const device = kind === "char" ? { major: 5, minor: 300 } : {};
  const name = kind === "directory" ? `${path}/` : path;
  const linkname = target;
  return [
    pax(records),
    header({ ...fields, ...device, name, linkname, typeflag: typeflags[kind] }),
  ];
}
