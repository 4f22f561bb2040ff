import { readSmallFile } from "../host/index.ts";

const manifest = JSON.parse(
  new TextDecoder().decode(readSmallFile(new URL("../../package.json", import.meta.url).pathname)),
) as { readonly version: string };

/** wick's own version, as its package has it. */
export const version: string = manifest.version;
