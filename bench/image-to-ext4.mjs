/**
 * A three-layer image → ext4: wick against `gzip -dc` of its layers into a file, against umoci
 * unpack + mke2fs -d, and against skopeo + tar + mke2fs -d (and tar2ext4 and oci2rootfs where
 * they are on PATH), in turn, on the same image. Run by hand, as root (umoci unpacks owners),
 * after `npm run build`:
 *
 *   node bench/image-to-ext4.mjs [OCI-LAYOUT] [--rounds N] [--copies N]
 *
 * Without a layout (whose image is tagged `bench`) it makes one: a distribution by mmdebstrap,
 * packages on top by apt, documentation and caches deleted in a third layer. `--copies N` adds
 * N - 1 more layers of fresh copies of /usr, for how memory grows. Prints a Markdown table; the
 * last one is kept in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { contend, mke2fsOf, numberOption, output, printTable } from "./contend.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = numberOption("--rounds", 5);
const copies = numberOption("--copies", 1);
const given = process.argv[2]?.startsWith("--") === false ? process.argv[2] : undefined;
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
const out = (name) => join(work, name);
const TAG = "bench";

function sh(command) {
  execFileSync("sh", ["-ec", command], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Unpacks the image as it is, changes it by `change` (sh, `$R` is the root), adds the difference. */
function addLayer(layout, change) {
  const bundle = out("bundle");
  sh(
    `umoci unpack --image ${layout}:${TAG} ${bundle}; R=${bundle}/rootfs; ${change}; ` +
      `umoci repack --image ${layout}:${TAG} ${bundle}; rm -rf ${bundle}`,
  );
}

function makeImage() {
  const layout = out("layout");
  const base = out("base.tar");
  const suite = output('. /etc/os-release && printf %s "$VERSION_CODENAME"');
  execFileSync("mmdebstrap", ["--quiet", "--variant=important", suite, base]);
  sh(`umoci init --layout ${layout}; umoci new --image ${layout}:${TAG}`);
  sh(`umoci raw add-layer --image ${layout}:${TAG} ${base}; rm ${base}`);
  const install = "apt-get install -y -qq --no-install-recommends";
  const packages = "python3 nginx-light perl-modules git";
  addLayer(
    layout,
    `cp /etc/resolv.conf $R/etc/; chroot $R sh -c "apt-get update -qq; ${install} ${packages}" >/dev/null 2>${out("apt.log")}`,
  );
  addLayer(
    layout,
    "rm -rf $R/usr/share/doc/* $R/usr/share/man/* $R/var/lib/apt/lists/* $R/var/cache/apt/*.bin; touch $R/usr/bin/*",
  );
  for (let i = 1; i < copies; i++) addLayer(layout, `mkdir $R/copy${i}; cp -a $R/usr $R/copy${i}`);
  return layout;
}

/** The layers' files, lowest first. */
function layersOf(layout) {
  const blob = (digest) => join(layout, "blobs", ...digest.split(":"));
  const json = (path) => JSON.parse(readFileSync(path, "utf8"));
  const tagged = json(join(layout, "index.json")).manifests.find(
    ({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === TAG,
  );
  return json(blob(tagged.digest)).layers.map(({ digest }) => blob(digest));
}

function contenders(layout) {
  const wick = `"${root}dist/bin/wick.cjs"`;
  const layers = layersOf(layout).join(" ");
  const [tree, bundle, copy] = ["tree", "bundle", "copy"].map(out);
  const commands = {
    // A store of its own each time: a second build of the same image copies the first.
    "wick build": `WICK_CACHE=${out("cache")} ${wick} build --quiet --init none -o ${out("wick.ext4")} oci:${layout}:${TAG}`,
    "gzip -dc layers > file": `gzip -dc ${layers} > ${out("plain.tar")}`,
    "umoci unpack + mke2fs -d": `umoci unpack --image ${layout}:${TAG} ${bundle} 2>/dev/null; ${mke2fsOf(`${bundle}/rootfs`, out("mke2fs.ext4"))}`,
    "skopeo + tar + mke2fs -d": `skopeo copy -q oci:${layout}:${TAG} dir:${copy}; mkdir ${tree}; for l in ${layers}; do tar -xzf ${copy}/$(basename $l) -C ${tree}; done; ${mke2fsOf(tree, out("mke2fs.ext4"))}`,
  };
  if (output("command -v tar2ext4 || true") !== "") {
    commands["tar2ext4, a layer each"] =
      `i=0; for l in ${layers}; do gzip -dc $l | tar2ext4 -o ${out("mke2fs.ext4")}; done`;
  }
  if (output("command -v oci2rootfs || true") !== "") {
    commands.oci2rootfs = `oci2rootfs ${layout} ${out("mke2fs.ext4")}`;
  }
  return commands;
}

try {
  mkdirSync(out("cache"), { mode: 0o700 });
  const layout = given === undefined ? makeImage() : resolve(given);
  const outputs = ["cache", "wick.ext4", "plain.tar", "mke2fs.ext4", "tree", "bundle", "copy"];
  const results = await contend(contenders(layout), { rounds, outputs: outputs.map(out) });
  const layers = layersOf(layout);
  const stored = Math.round(Number(output(`cat ${layers.join(" ")} | wc -c`)) / 1e6);
  const plain = Math.round(Number(output(`gzip -dc ${layers.join(" ")} | wc -c`)) / 1e6);
  console.log(`Input: ${layers.length} layers, ${stored} MB gzip, ${plain} MB tar.`);
  printTable(results, rounds);
} finally {
  rmSync(work, { recursive: true, force: true });
}
