import { packageFile, readSmallFile } from "../../host/index.ts";

const manifest = JSON.parse(
  new TextDecoder().decode(readSmallFile(packageFile("package.json"))),
) as { readonly version: string };

/** wick's own version, as its package has it. */
export const version: string = manifest.version;
