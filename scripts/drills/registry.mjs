/** Debian's docker-registry on loopback, with an image that skopeo pushed. */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeLayout } from "./layout.mjs";

/** `{reference, gets(hex), stop()}`: the image's name, and how often a blob was asked for so far. */
export async function startRegistry(directory, layerBytes) {
  const config = join(directory, "registry.json");
  const storage = { filesystem: { rootdirectory: join(directory, "registry") } };
  const http = { addr: "127.0.0.1:0", secret: "not one" };
  const log = { level: "info", accesslog: { disabled: true } };
  writeFileSync(config, JSON.stringify({ version: 0.1, log, storage, http }));
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const port = await new Promise((resolve, reject) => {
    const take = (chunk) => {
      text += chunk;
      const found = /listening on 127\.0\.0\.1:(\d+)/.exec(text);
      if (found !== null) resolve(Number(found[1]));
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`docker-registry ended:\n${text}`)));
  });
  const layout = join(directory, "layout");
  makeLayout(layout, layerBytes);
  const reference = `127.0.0.1:${port}/app:1`;
  const words = ["copy", "-q", "--insecure-policy", "--dest-tls-verify=false"];
  execFileSync("skopeo", [...words, `oci:${layout}:image`, `docker://${reference}`]);
  return {
    reference,
    /** What the registry has answered since it was last asked this, a line each. */
    takeLog() {
      const lines = text.split("\n").filter((line) => line.includes("response completed"));
      text = "";
      return lines;
    },
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}
