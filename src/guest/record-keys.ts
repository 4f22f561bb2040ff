/**
 * The keys of init's record files: docs/init.md shows this table, src/guest/init/records.h
 * holds the same numbers for C (tests compare them).
 *
 * A record is {le16 tag, le32 length, bytes}; tag = key, with {@link MUST_UNDERSTAND} set where
 * an init that does not know the key must refuse to start rather than run something else.
 */
export const MUST_UNDERSTAND = 0x8000;

/** What the bytes of one record hold; list keys may come several times, in order. */
type RecordForm = "text" | "u32" | "u16" | "ipv4" | "structure";

interface KeyRow {
  readonly key: number;
  readonly form: RecordForm;
  readonly list: boolean;
  readonly must: boolean;
}

const row = (key: number, form: RecordForm, is: { list?: true; must?: true } = {}): KeyRow => ({
  key,
  form,
  list: is.list === true,
  must: is.must === true,
});

/** Name → row. A number once given is never used for something else. */
export const recordKeys = {
  ARGV: row(1, "text", { list: true, must: true }),
  ENV: row(2, "text", { list: true, must: true }),
  DIRECTORY: row(3, "text", { must: true }),
  UID: row(4, "u32", { must: true }),
  GID: row(5, "u32", { must: true }),
  GROUP: row(6, "u32", { list: true, must: true }),
  STOP_SIGNAL: row(7, "u32"),
  HOSTNAME: row(8, "text"),
  ADDRESS: row(9, "structure", { list: true, must: true }),
  GATEWAY: row(10, "ipv4", { must: true }),
  NAMESERVER: row(11, "text", { list: true }),
  SEARCH: row(12, "text", { list: true }),
  HOSTS: row(13, "text", { list: true }),
  PORT: row(14, "u16", { list: true }),
  MOUNT: row(15, "structure", { list: true, must: true }),
  ENDING: row(16, "u32", { must: true }),
  LIMIT: row(17, "structure", { list: true }),
  READ_ONLY: row(18, "u32", { must: true }),
  NAMES: row(19, "u32"),
  RELAY: row(20, "ipv4", { must: true }),
  MODULE: row(32, "text", { list: true, must: true }),
  ROOT: row(33, "structure", { must: true }),
  OVERLAY: row(34, "structure", { must: true }),
  ROOT_WAIT: row(35, "u32"),
} as const satisfies Record<string, KeyRow>;

export type RecordKey = keyof typeof recordKeys;

/** Resources of setrlimit(2) by their Linux number (asm-generic/resource.h). */
export const limitNumbers = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

export type LimitName = keyof typeof limitNumbers;

/** How the root is mounted, by the number in the ROOT record. */
export const rootModes = { overlay: 0, rw: 1, ro: 2 } as const;

/** How the machine ends, by the number in the ENDING record. */
export const endings = { "power-off": 0, restart: 1 } as const;
