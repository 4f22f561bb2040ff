export { kvmVerdict, type VerdictOptions } from "./verdict.ts";
export type { KvmVerdict } from "./explain.ts";
