import { join, relative } from "node:path";
import type { BindMount, RequestedMount } from "../../application/index.ts";
import { sanitise, utf8, uuidText } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { createExt4 } from "../../formats/ext4/index.ts";
import { driveSource, type InitMount } from "../../guest/index.ts";
import { FileStorage, realPath, statOf } from "../../host/index.ts";
import { addFile, ensureDirectory, rootedAt } from "../../shaping/index.ts";
import { directoryLayer, fileLayer } from "../../sources/index.ts";
import { findPath, Tree, Unpacker, type Layer, type Sink } from "../../tree/index.ts";
import type { Drive } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";
import { runStep } from "../common/progress.ts";
import { uuidFrom } from "../common/uuid.ts";

/** The mounts of one run, ready for its machine. */
export interface PreparedMounts {
  /** In order, as init makes them. */
  readonly mounts: readonly InitMount[];
  readonly drives: readonly Drive[];
}

/** The one name in a drive's root: what else a file system's root holds is not shown. */
const NAME = "data";
const MS_RDONLY = 1;

/** A bind mount whose source was found. */
interface FoundSource {
  readonly mount: BindMount;
  readonly isDirectory: boolean;
  /** The source without links. */
  readonly path: string;
}

/** Fails unless every source on the host is there and can travel: before anything is built. */
export function checkMountSources(mounts: readonly RequestedMount[]): void {
  for (const mount of mounts) if (mount.kind === "bind") findSource(mount);
}

/**
 * Writes a drive for each folder or file of the host, into `directory`: what it holds now, as
 * it is, owners and times too. Nothing of the host is reachable through it later.
 */
export async function prepareMounts(
  requested: readonly RequestedMount[],
  { directory, imageUuid }: { readonly directory: string; readonly imageUuid: string },
  context: Context,
): Promise<PreparedMounts> {
  const mounts: InitMount[] = [];
  const drives: Drive[] = [];
  for (const mount of requested) {
    const { target } = mount;
    if (mount.kind === "tmpfs") {
      const { flags, data } = mount;
      mounts.push({ source: "tmpfs", target, fstype: "tmpfs", flags, data });
      continue;
    }
    const path = join(directory, `mount${drives.length}.ext4`);
    const uuid = uuidFrom("mount", imageUuid, String(drives.length));
    const inside = requested.filter((other) => isInside(other, mount));
    await writeDrive({ path, uuid, source: findSource(mount), inside }, context);
    drives.push({ path, readOnly: true });
    const source = driveSource(uuidText(uuid), NAME);
    mounts.push({ source, target, fstype: "ext4", flags: MS_RDONLY, data: "" });
  }
  if (drives.length > 0) noteSnapshot(requested, context);
  return { mounts, drives };
}

function noteSnapshot(requested: readonly RequestedMount[], { onEvent }: Context): void {
  const targets = requested.filter(({ kind }) => kind === "bind").map(({ target }) => target);
  const message = `${targets.map(sanitise).join(", ")}: a copy as of now, read-only in the machine; later changes on this host do not reach it`;
  onEvent({ type: "note", message });
}

function isInside(other: RequestedMount, { target }: BindMount): boolean {
  return other.target.startsWith(`${target}/`);
}

function findSource(mount: BindMount): FoundSource {
  const shown = sanitise(mount.source);
  const path = realPath(mount.source);
  const status = path === undefined ? undefined : statOf(path);
  if (path === undefined || status === undefined) {
    throw new WickError(
      "SOURCE_NOT_FOUND",
      `Cannot mount ${shown} at ${sanitise(mount.target)}: there is no such file or directory`,
      { hint: "wick makes none, as docker --mount; a path is relative to the current directory" },
    );
  }
  if (status.isDirectory() || status.isFile()) {
    return { mount, path, isDirectory: status.isDirectory() };
  }
  const is = status.isSocket() ? "a socket, which no machine reaches" : "no file or directory";
  throw new WickError(
    "UNSUPPORTED",
    `Cannot mount ${shown} at ${sanitise(mount.target)}: it is ${is}`,
  );
}

interface DriveRequest {
  readonly path: string;
  readonly uuid: Uint8Array;
  readonly source: FoundSource;
  /** What is mounted inside it: its mount points cannot be made later. */
  readonly inside: readonly RequestedMount[];
}

async function writeDrive(request: DriveRequest, context: Context): Promise<void> {
  const { mount } = request.source;
  const names = {
    step: `mount ${mount.target}`,
    title: `Copy ${sanitise(mount.source)} for ${sanitise(mount.target)}`,
  };
  const warn = (message: string): void => context.onEvent({ type: "warning", message });
  await runStep(context.onEvent, names, async () => {
    using storage = new FileStorage(request.path, "create");
    const { uuid } = request;
    // Never written to: no journal, no room.
    const image = createExt4(storage, { sizeBytes: "min", journal: false, uuid, warn });
    const tree = new Tree();
    const { sink } = image;
    const unpacker = new Unpacker({ tree, sink, warn });
    await layerOf(request.source).play(unpacker, context.signal);
    unpacker.finish();
    for (const other of request.inside) makePlace(other, request, { tree, sink });
    image.finish(tree);
  });
}

/** All attributes as they are on the host, as a bind mount shows them. */
function layerOf({ path, isDirectory }: FoundSource): Layer {
  if (!isDirectory) return fileLayer(path, utf8(NAME));
  return rootedAt(directoryLayer(path, { owner: "keep" }), `/${NAME}`);
}

/** A place for what is mounted inside: the file system is read-only when init looks for it. */
function makePlace(
  other: RequestedMount,
  { source }: DriveRequest,
  { tree, sink }: { tree: Tree; sink: Sink },
): void {
  if (!source.isDirectory) return;
  const place = `/${NAME}/${relative(source.mount.target, other.target)}`;
  if (findPath(tree, place) >= 0) return;
  if (other.kind === "tmpfs" || findSource(other).isDirectory) ensureDirectory(tree, place);
  else addFile(tree, sink, place, new Uint8Array());
}
