import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  listDirectory,
  movePath,
  randomName,
  readSmallFile,
  statOf,
  writeSmallFile,
} from "../../host/index.ts";

/** Where apt's configuration is (apt.conf(5), FILES). */
const APT_DIRECTORY = "/etc/apt";
const MEMO_PREFIX = "resolved-";

/**
 * apt's answers, kept beside the lists they came from: asking again costs a second, and the
 * same lists give the same answer as long as nobody touches apt's configuration.
 */
export class Resolved {
  readonly #path: string;

  constructor(listsPath: string, words: readonly string[]) {
    const key = createHash("sha256").update(JSON.stringify([words, aptStamp()]));
    this.#path = join(listsPath, `${MEMO_PREFIX}${key.digest("hex").slice(0, 32)}`);
  }

  /** What apt printed; undefined when it was not asked. */
  recall(): string | undefined {
    if (statOf(this.#path) === undefined) return undefined;
    return new TextDecoder().decode(readSmallFile(this.#path));
  }

  remember(output: string): void {
    const temporary = `${this.#path}-${randomName()}`;
    writeSmallFile(temporary, output);
    movePath(temporary, this.#path);
  }
}

/** Whether a file in the lists' directory is such an answer, which new lists must not inherit. */
export function isResolved(name: string): boolean {
  return name.startsWith(MEMO_PREFIX);
}

/** Changes whenever a file of apt's configuration does. */
function aptStamp(): string[] {
  const here = listDirectory(APT_DIRECTORY);
  const below = here
    .filter(({ isDirectory }) => isDirectory)
    .flatMap(({ name }) => listDirectory(join(APT_DIRECTORY, name)));
  return [...here, ...below].map(
    ({ name, sizeBytes, changedAt }) => `${name} ${sizeBytes} ${changedAt}`,
  );
}
