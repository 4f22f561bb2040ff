import type { Time } from "../tree/index.ts";

const SECOND_NS = 1_000_000_000n;

/** Nanoseconds since 1970 as a {@link Time}: its nanoseconds count forward, before 1970 too. */
export function timeOf(ns: bigint): Time {
  const nanoseconds = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
  return { seconds: Number((ns - nanoseconds) / SECOND_NS), nanoseconds: Number(nanoseconds) };
}
