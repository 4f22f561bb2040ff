/** An OCI layout whose layers hold bytes that nothing shrinks, the same every time. */
import { execFileSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

function noise(length, seed) {
  const key = createHash("md5").update(`${seed}`).digest();
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** A tar of files of up to 1 MB each, `bytes` in all. */
function tarOf(directory, bytes, seed) {
  mkdirSync(directory, { recursive: true });
  for (let done = 0, i = 0; done < bytes; done += 1e6, i++) {
    const length = Math.min(1e6, bytes - done);
    writeFileSync(join(directory, `file-${seed}-${i}`), noise(length, `${seed} ${i}`));
  }
  const words = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const options = { maxBuffer: 2 * bytes + (1 << 20) };
  const tar = execFileSync("tar", [...words, "-cC", directory, "."], options);
  rmSync(directory, { recursive: true });
  return tar;
}

/** Writes a layout with one image, tagged `image`, at `layout`; `layerBytes` lowest first. */
export function makeLayout(layout, layerBytes) {
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const put = (kind, bytes) => {
    const digest = digestOf(bytes);
    writeFileSync(join(blobs, digest.slice("sha256:".length)), bytes);
    return { mediaType: `application/vnd.oci.image.${kind}`, digest, size: bytes.length };
  };
  const json = (value) => Buffer.from(JSON.stringify(value));
  const diffIds = [];
  const layers = layerBytes.map((bytes, i) => {
    const tar = tarOf(join(layout, `layer${i}`), bytes, i);
    diffIds.push(digestOf(tar));
    return put("layer.v1.tar+gzip", gzipSync(tar, { level: 1 }));
  });
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const rootfs = { type: "layers", diff_ids: diffIds };
  const config = put("config.v1+json", json({ architecture, os: "linux", config: {}, rootfs }));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = put("manifest.v1+json", json({ schemaVersion: 2, mediaType, config, layers }));
  const annotations = { "org.opencontainers.image.ref.name": "image" };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(layout, "index.json"), json(index));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
}
