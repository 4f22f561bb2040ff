/** application/: what the machine runs, merged from image, recipe and user, and resolved. */
export type { AppConfig } from "./config.ts";
export { CONFIG_MAX_BYTES, CONFIG_PATH, parseConfig, printConfig, type Section } from "./schema.ts";
export {
  applyOverrides,
  commandOf,
  configOf,
  mergeConfigs,
  parseJsonWords,
  type Overrides,
} from "./merge.ts";
export {
  mergeEnvironment,
  parseEnvFile,
  splitVariable,
  type CallerEnvironment,
} from "./environment.ts";
export {
  accountName,
  resolveUser,
  USER_FILE_MAX_BYTES,
  type ResolvedUser,
  type UserFiles,
} from "./users.ts";
export { DEFAULT_HOSTNAME, DEFAULT_PATH, resolveProcess, type ResolvedProcess } from "./resolve.ts";
export { signalName, signalNumber } from "./signals.ts";
export {
  parseExposed,
  parsePublished,
  parsePublishedAll,
  portKey,
  type PublishedPort,
} from "./ports.ts";
export { parseCpus, parseMemory, parseSize } from "./memory.ts";
