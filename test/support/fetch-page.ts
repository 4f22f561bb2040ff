import { setTimeout as sleep } from "node:timers/promises";

/** A page's body once it is answered with 200; an error after `ms`. */
export async function fetchPage(url: string, ms = 30_000): Promise<string> {
  const end = performance.now() + ms;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
      if (response.status === 200) return await response.text();
      await response.body?.cancel();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error(`${url} was not answered with 200`);
    await sleep(50);
  }
}
