/** For tests: what an image reader says, as the lines of {@link kernelManifest}. */
import { createHash } from "node:crypto";
import type { ImageNode, ImageReader } from "../../src/formats/ext4/index.ts";
import { latin1, manifestLine, xattrText } from "./manifest-line.ts";

/** Everything that `image` says about every name, sorted. */
export function imageManifest(image: ImageReader): string[] {
  const firstPaths = new Map<number, string>();
  const line = (path: string, node: ImageNode): string => {
    const stat = image.stat(node);
    const first = firstPaths.get(node.id) ?? path;
    firstPaths.set(node.id, first);
    const { seconds, nanoseconds } = stat.mtime;
    const fields = manifestLine({
      ...stat,
      path,
      contents: stat.kind === "file" ? `${stat.size} ${digest(image, node, stat.size)}` : "",
      target: stat.kind === "symlink" ? latin1(image.readlink(node)) : "",
      rdev: stat.rdev,
      first,
      xattrs: stat.xattrs.map(xattrText).sort(),
    });
    return `${fields}|${stat.nlink}|${BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)}`;
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
