/** For tests: what an image reader says, as the lines of {@link kernelManifest}. */
import { createHash } from "node:crypto";
import type { ImageNode, ImageReader } from "../../src/formats/ext4/index.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** Everything that `image` says about every name, sorted. */
export function imageManifest(image: ImageReader): string[] {
  const firstPaths = new Map<number, string>();
  const line = (path: string, node: ImageNode): string => {
    const stat = image.stat(node);
    const first = firstPaths.get(node.id) ?? path;
    firstPaths.set(node.id, first);
    const { seconds, nanoseconds } = stat.mtime;
    const time = `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
    const xattrs = stat.xattrs.map(
      ({ name, value }) => `${latin1(name)}=${Buffer.from(value).toString("hex")}`,
    );
    return [
      path,
      stat.kind,
      stat.mode.toString(8),
      `${stat.uid}:${stat.gid}`,
      stat.kind === "symlink" ? "" : time,
      stat.kind === "file" ? `${stat.size} ${digest(image, node, stat.size)}` : "",
      stat.kind === "symlink" ? latin1(image.readlink(node)) : "",
      stat.rdev === undefined ? "" : `${stat.rdev.major}:${stat.rdev.minor}`,
      stat.kind === "directory" || first === path ? "" : `= ${first}`,
      ...xattrs.sort(),
      stat.nlink,
      BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
    ].join("|");
  };
  const lines = [line("/", image.root)];
  for (const { path, node } of image.walk()) lines.push(line(`/${latin1(path)}`, node));
  return lines.sort();
}

function digest(image: ImageReader, node: ImageNode, size: number): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(1 << 20);
  for (let position = 0; position < size; position += piece.length) {
    hash.update(piece.subarray(0, image.read(node, piece, position)));
  }
  return hash.digest("hex");
}
