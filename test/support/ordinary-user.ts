import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** `nobody`: an account that every system has and that owns nothing. */
const UID = 65534;
const RUNNER = "test/support/run-machine.mjs";
const root = fileURLToPath(new URL("../..", import.meta.url));

/** An installed copy of wick and a home, all of an ordinary user who may not read the checkout. */
export interface OrdinaryUser {
  readonly home: string;
  /** The command line of the copy. */
  readonly main: string;
  /** Starts one machine by the copy's own driver. */
  readonly runner: string;
  /** Words before `node` that run it as that user. */
  readonly prefix: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

/** Installs what npm would: dist/, recipes/, the manifest and the packages that run needs. */
export function ordinaryUser(): OrdinaryUser {
  const directory = mkdtempSync(join(tmpdir(), "u-"));
  chmodSync(directory, 0o755);
  const installed = join(directory, "wick");
  const parts = ["dist", "recipes", "package.json", RUNNER, ...runtimePackages()];
  for (const part of parts) {
    cpSync(join(root, part), join(installed, part), { recursive: true });
  }
  const home = join(directory, "home");
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, UID, UID);
  return {
    home,
    main: join(installed, "dist/bin/wick.cjs"),
    runner: join(installed, RUNNER),
    prefix: ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups", "--inh-caps=-all"],
    env: { HOME: home, WICK_CACHE: undefined, XDG_CACHE_HOME: undefined },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function runtimePackages(): string[] {
  const list = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], {
    cwd: root,
    encoding: "utf8",
  });
  return list
    .trim()
    .split("\n")
    .slice(1)
    .map((path) => path.slice(root.length));
}
