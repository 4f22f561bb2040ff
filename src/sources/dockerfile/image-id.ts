import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { readSmallFile } from "../../host/index.ts";

/** What a builder wrote into its `--iidfile`. */
export function imageId(idFile: string): string {
  const id = new TextDecoder().decode(readSmallFile(idFile, 1024)).trim();
  if (/^(sha256:)?[\da-f]{64}$/.test(id)) return id;
  throw new WickError(
    "TOOL_FAILED",
    `Cannot find what was built: the builder calls it "${sanitise(id.slice(0, 80))}", wanted sha256:…`,
  );
}
