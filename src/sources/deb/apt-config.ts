/**
 * A configuration that apt reads after the host's own: same sources, keys and preferences, but
 * none of the hooks, indexes of packages alone, and nothing unsigned.
 * `#clear` empties a list that files below /etc/apt/apt.conf.d filled (apt.conf(5)).
 */
export const APT_CONFIG = `#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
  flatMetaKey "Packages";
  ShortDescription "Packages";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
  flatDescription "$(RELEASE) Packages";
  Optional "false";
};
#clear Acquire::Languages;
Acquire::Languages { "none"; };
Acquire::ForceHash "sha256";
Acquire::Retries "2";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Get::Assume-Yes "true";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Debug::NoLocking "true";
Dir::Cache::srcpkgcache "";
`;

/** Where one run of apt keeps what. */
export interface AptPlaces {
  /** The file with {@link APT_CONFIG}. */
  readonly configPath: string;
  /** An empty file: nothing is installed, so apt resolves the whole closure. */
  readonly statusPath: string;
  readonly listsPath: string;
  /** Where .deb files go; has a directory `partial`. */
  readonly archivesPath: string;
  /** A directory for whatever else apt writes. */
  readonly statePath: string;
}

/** Arguments for apt-get and apt-cache, before the command word. */
export function aptArguments(places: AptPlaces, architecture: string): string[] {
  const options = {
    "Dir::State": places.statePath,
    "Dir::State::status": places.statusPath,
    "Dir::State::lists": places.listsPath,
    "Dir::Cache": places.statePath,
    // The host may have switched it off; apt is asked twice, and this is half of its work.
    "Dir::Cache::pkgcache": `${places.statePath}/pkgcache.bin`,
    "Dir::Cache::archives": places.archivesPath,
    "Dir::Log": places.statePath,
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
  };
  return [
    "-c",
    places.configPath,
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
  ];
}
