/** Architectures that init is built for. */
export type GuestArch = "x86_64" | "aarch64";

/** Where init's binary lies, built by scripts/build-init.mjs; the same from src/ and from dist/. */
export function initBinary(arch: GuestArch): URL {
  return new URL(`../../dist/guest/init.${arch}`, import.meta.url);
}
