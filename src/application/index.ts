/** application/: what the machine runs, merged from image, recipe and user, and resolved. */
export type { AppConfig } from "./config.ts";
export { canonicalJson } from "./canonical-json.ts";
export { CONFIG_MAX_BYTES, CONFIG_PATH, parseConfig, printConfig } from "./schema.ts";
export { configOf, mergeConfigs } from "./merge.ts";
export { parseEnvFile, splitVariable } from "./environment.ts";
export { accountName, resolveUser, USER_FILE_MAX_BYTES, type UserFiles } from "./users.ts";
export { resolveProcess, type ResolvedProcess } from "./resolve.ts";
export { appCommandLine } from "./app-command-line.ts";
export { signalNumber } from "./signals.ts";
export { parsePublishedAll, showPort, portKey, type PublishedPort } from "./ports.ts";
export { parseCpus, parseMemory, parseSize } from "./memory.ts";
export { csvFields } from "./csv.ts";
export {
  orderMounts,
  parseMount,
  parseTmpfs,
  parseVolume,
  type BindMount,
  type RequestedMount,
  type TmpfsMount,
} from "./mounts.ts";
