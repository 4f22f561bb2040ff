/** What checks compare: all of a machine's output is in the error. */
import { setTimeout as sleep } from "node:timers/promises";
import { startWick } from "./tools.mjs";

/** Starts a machine that may take its time until it listens: in the lab it does. */
export function startPatiently(words) {
  return startWick(["run", "--timeout", "10m", ...words]);
}

/** Runs a machine to its end: its status, and a text that its console must show. */
export async function expectRun(words, { status, text }) {
  const result = await startPatiently(words).done;
  if (result.status === status && result.stdout.includes(text)) return;
  const wanted = `wanted the status ${status} and "${text}"`;
  throw new Error(`${wanted}, got ${result.status}\n${result.stdout}${result.stderr}`);
}

/** Waits for a page of a started program, then ends it by SIGTERM. */
export async function expectPage({ child, texts, done }, url) {
  const ended = new AbortController();
  void done.then(() => ended.abort());
  try {
    const page = await pageOf(url, ended.signal);
    if (page?.includes("Welcome to nginx!") === true) return;
    throw new Error(`${url} says ${page ?? "nothing"}\n${texts.stdout}${texts.stderr}`);
  } finally {
    child.kill();
    await done;
  }
}

/** The page, as soon as there is one; undefined when what serves it has ended. */
async function pageOf(url, ended) {
  while (!ended.aborted) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
      return await answer.text();
    } catch {
      await sleep(200);
    }
  }
  return undefined;
}
