import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** Architectures in Debian's words. */
export type DebArchitecture = "amd64" | "arm64";

/** One package asked for. */
export interface PackageRequest {
  readonly name: string;
  /** An exact version or a pattern with `*`, as apt takes it. */
  readonly version?: string;
}

/** Debian Policy 5.6.7, names; 5.6.12, versions, and apt's wildcard. A final "-" would mean removal to apt. */
const NAME = /^[a-z0-9][a-z0-9+.-]*(?<!-)$/;
const VERSION = /^[A-Za-z0-9.+:~*-]+$/;

/** Reads `name[=version][,name[=version]…]`. */
export function parsePackages(text: string): PackageRequest[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.map((part) => {
    const [name = "", version] = part.split(/=(.*)/s);
    if (!NAME.test(name)) throw badName(part, "a package's name (a-z, 0-9, + - .)");
    if (version === undefined) return { name };
    if (!VERSION.test(version)) throw badName(part, "a version after =, * stands for anything");
    return { name, version };
  });
}

/** As apt's command line has it. */
export function aptWord({ name, version }: PackageRequest): string {
  return version === undefined ? name : `${name}=${version}`;
}

function badName(part: string, wanted: string): WickError {
  return new WickError("USAGE", `Cannot read the package "${sanitise(part)}": wanted ${wanted}`, {
    hint: "write deb:nginx-light, or deb:nginx-light,curl=7.88*",
  });
}
