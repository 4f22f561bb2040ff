/**
 * The main job on real input: nginx-light from the distribution's archive becomes a root file
 * system, boots on QEMU, serves a page with a token drawn for this run, and powers off.
 * Uses the library as anybody would.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build, openImage, run, shellLine, WickError } from "../dist/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = "deb:nginx-light";
const MEMORY = "256m";
const TRIES_MS = 30_000;

const say = (text = "") => process.stdout.write(`${text}\n`);
const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** An AbortSignal that Ctrl-C and kill fire. */
function interruption() {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () =>
      controller.abort(new WickError("INTERRUPTED", `Interrupted by ${signal}`)),
    );
  }
  return controller.signal;
}

/** One plain line for each finished step. */
function onEvent(event) {
  if (event.type === "done") {
    const detail = event.detail === undefined ? "" : `: ${event.detail}`;
    say(`  ${event.title}${detail} (${Math.round(event.elapsedMs)} ms)`);
  } else if (event.type === "warning") say(`  warning: ${event.message}`);
}

function page(token) {
  return `<!doctype html>\n<title>wick: first light</title>\n<h1>This page was served by a microVM</h1>\n<p id="token">${token}</p>\n`;
}

/** Fetches until the application answers with 200: a connect alone proves nothing. */
async function fetchPage(url, signal) {
  const end = Date.now() + TRIES_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]),
      });
      if (response.status === 200) return await response.text();
    } catch (error) {
      if (signal.aborted || Date.now() > end) throw error;
    }
    await sleep(20, undefined, { signal });
  }
}

async function buildImage(files, token, context) {
  writeFileSync(files.page, page(token));
  const options = {
    source: SOURCE,
    output: files.image,
    add: [`${files.page}:/var/www/html/index.html`],
  };
  const result = await build(options, context);
  const image = await openImage(files.image, context);
  try {
    return { result, inspection: await image.inspect() };
  } finally {
    image[Symbol.dispose]();
  }
}

async function serve(files, context) {
  const options = {
    source: files.image,
    publish: ["80"],
    memory: MEMORY,
    directory: files.machine,
  };
  const machine = await run(options, context);
  try {
    await machine.ready;
    const url = `http://127.0.0.1:${machine.ports[0].hostPort}/`;
    const body = await fetchPage(url, context.signal);
    machine.mark("first 200");
    await machine.stop();
    return { machine, url, body, exit: await machine.exited };
  } finally {
    await machine[Symbol.asyncDispose]();
  }
}

function report({ token, built, served, files }) {
  const { result, inspection } = built;
  const { machine, url, body, exit } = served;
  const title = /<title>(.*?)<\/title>/.exec(body)?.[1];
  const came = /id="token">(.*?)</.exec(body)?.[1];
  say(`\nGET ${url}`);
  say(`  title  ${title}`);
  say(
    `  token  ${came}${came === token ? " (the one drawn for this run)" : ` INSTEAD OF ${token}`}`,
  );
  say("\nTimeline, ms since the VMM was started");
  for (const { name, ms } of machine.timeline()) say(`  ${ms.toFixed(0).padStart(6)}  ${name}`);
  const packages = result.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  say("\nSizes");
  say(`  packages  ${mib(packages)} in ${result.parts.length} files`);
  say(`  tree      ${mib(result.tree.contentBytes)} in ${result.tree.files} files`);
  say(
    `  image     ${mib(inspection.allocatedBytes)} on disk, ${mib(inspection.sizeBytes)} when full`,
  );
  say(`  initramfs ${mib(statSync(join(files.machine, "initrd.cpio")).size)}`);
  say(`  memory    ${machine.spec.memoryMiB} MiB`);
  say("\nThe same files by hand");
  say(`  ${shellLine(machine.commandByHand)}`);
  say(`\nThe application ended with status ${exit.status}, the machine powered off.`);
  say(
    `Its files are in ${relative(process.cwd(), files.directory) || "."}: wick inspect, ls and cat look into nginx.ext4.`,
  );
  return came === token ? 0 : 1;
}

/** Does it all; gives the exit code. */
export async function firstLight() {
  const directory = join(root, "build", "first-light");
  const scratch = mkdtempSync(join(tmpdir(), "wick-first-light-"));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const files = {
    directory,
    image: join(directory, "nginx.ext4"),
    machine: join(directory, "machine"),
    page: join(scratch, "index.html"),
  };
  const token = randomBytes(8).toString("hex");
  const context = {
    environment: process.env,
    workingDirectory: root,
    signal: interruption(),
    onEvent,
  };
  try {
    say(`wick: ${SOURCE} as a machine of its own\n`);
    const built = await buildImage(files, token, context);
    const served = await serve(files, context);
    return report({ token, built, served, files });
  } catch (error) {
    process.stderr.write(
      `\n${error instanceof WickError ? `${error.message} [${error.code}]` : (error.stack ?? error)}\n`,
    );
    for (const line of error.detail ?? []) process.stderr.write(`  | ${line}\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    return error.code === "INTERRUPTED" ? 130 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
