/**
 * For tests: an image of nginx with the traits of the official one, from Debian's packages: a
 * base, the packages on top, and a third layer with the image's own files that also deletes.
 * Made by umoci; needs root for the base's owners.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { testCache } from "./cli.ts";
import { essentialTree } from "./essential-tree.ts";

export const NGINX_PAGE = "<title>from the image</title>\n";

/** What nginx itself needs beyond the essential packages. */
const PACKAGES = ["nginx", "nginx-common", "libssl3"] as const;

/** Starts what lies in a directory of scripts, then the command: as the official image does it. */
const ENTRYPOINT = `#!/bin/sh
set -e
echo "$0: looking for scripts in /docker-entrypoint.d"
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then echo "$0: running $script"; "$script"; fi
done
exec "$@"
`;

const CONFIG = `user nginx;
worker_processes 2;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  access_log /var/log/nginx/access.log;
  server { listen 80; root /usr/share/nginx/html; }
}
`;

/** Writes the image as an OCI layout at `directory`, tagged `alpine-like`. */
export function writeNginxImage(directory: string, work: string): void {
  const image = `${directory}:alpine-like`;
  const umoci = (...words: string[]): void => void execFileSync("umoci", words, { stdio: "pipe" });
  umoci("init", "--layout", directory);
  umoci("new", "--image", image);
  for (const layer of [essentialTree(), packageLayer(work), ownLayer(work)]) {
    umoci("raw", "add-layer", "--image", image, layer);
  }
  umoci(
    "config",
    "--image",
    image,
    "--config.entrypoint",
    "/docker-entrypoint.sh",
    "--config.cmd",
    "nginx",
    "--config.cmd",
    "-g",
    "--config.cmd",
    "daemon off;",
    "--config.env",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "--config.env",
    "NGINX_VERSION=Debian",
    "--config.exposedports",
    "80/tcp",
    "--config.stopsignal",
    "SIGQUIT",
    "--config.label",
    "maintainer=a test",
    "--config.label",
    "dev.wick.run=touch /tmp/wick-was-here",
    "--config.volume",
    "/var/data",
  );
}

function packageLayer(work: string): string {
  const tree = join(work, "packages");
  mkdirSync(tree);
  for (const file of packageFiles()) execFileSync("dpkg-deb", ["-x", file, tree]);
  // The base has /lib as a link into /usr.
  rmSync(join(tree, "lib"), { recursive: true, force: true });
  return packed(tree);
}

/** The packages' files, kept between runs. */
function packageFiles(): string[] {
  const cache = join(testCache, "nginx-packages");
  if (!existsSync(cache)) {
    const partial = `${cache}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    const quiet = ["-q", "-o", "APT::Sandbox::User=root"];
    execFileSync("apt-get", [...quiet, "download", ...PACKAGES], { cwd: partial, stdio: "pipe" });
    cpSync(partial, cache, { recursive: true });
    rmSync(partial, { recursive: true });
  }
  return readdirSync(cache).map((name) => join(cache, name));
}

function ownLayer(work: string): string {
  const tree = join(work, "own");
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(tree, path, ".."), { recursive: true });
    writeFileSync(join(tree, path), text);
    chmodSync(join(tree, path), mode);
  };
  const user = "nginx:x:101:101:nginx user:/nonexistent:/bin/false\n";
  put("etc/passwd", `root:x:0:0:root:/root:/bin/bash\n${user}`);
  put("etc/group", "root:x:0:\nnginx:x:101:\n");
  put("etc/nginx/nginx.conf", CONFIG);
  put("usr/share/nginx/html/index.html", NGINX_PAGE);
  put("usr/share/nginx/html/.wh.index.nginx-debian.html", "");
  put("docker-entrypoint.sh", ENTRYPOINT, 0o755);
  put(
    "docker-entrypoint.d/10-say.sh",
    '#!/bin/sh\necho "said by a script, of $NGINX_VERSION"\n',
    0o755,
  );
  put("docker-entrypoint.d/20-not-executable.sh", "exit 1\n");
  put("usr/share/doc/.wh..wh..opq", "");
  mkdirSync(join(tree, "var/log/nginx"), { recursive: true });
  mkdirSync(join(tree, "var/lib/nginx"), { recursive: true });
  symlinkSync("/dev/stdout", join(tree, "var/log/nginx/access.log"));
  symlinkSync("/dev/stderr", join(tree, "var/log/nginx/error.log"));
  return packed(tree);
}

function packed(tree: string): string {
  const archive = `${tree}.tar`;
  const as = ["--owner=0", "--group=0", "--sort=name", "--mtime=@0"];
  execFileSync("tar", ["-c", ...as, "-f", archive, "-C", tree, "."]);
  return archive;
}
