import type { HttpClient, HttpOptions } from "./client.ts";

/** A client for HTTP; the machinery is loaded here, since most commands need none of it. */
export async function openHttp(options: HttpOptions): Promise<HttpClient> {
  const { HttpClient } = await import("./client.ts");
  return new HttpClient(options);
}
