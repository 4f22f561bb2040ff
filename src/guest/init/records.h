/*
 * Keys of init's record files; docs/init.md shows this table, src/guest/record-keys.ts holds
 * the same one (a test compares them). Layouts: src/guest/record-layout.ts.
 */
#ifndef WICK_RECORDS_H
#define WICK_RECORDS_H

#include "sys.h"

#define RECORD_MUST_UNDERSTAND 0x8000

enum record_key {
  RECORD_ARGV = 1,
  RECORD_ENV = 2,
  RECORD_DIRECTORY = 3,
  RECORD_UID = 4,
  RECORD_GID = 5,
  RECORD_GROUP = 6,
  RECORD_STOP_SIGNAL = 7,
  RECORD_HOSTNAME = 8,
  RECORD_ADDRESS = 9,
  RECORD_GATEWAY = 10,
  RECORD_NAMESERVER = 11,
  RECORD_SEARCH = 12,
  RECORD_HOSTS = 13,
  RECORD_PORT = 14,
  RECORD_MOUNT = 15,
  RECORD_ENDING = 16,
  RECORD_LIMIT = 17,
  RECORD_READ_ONLY = 18,
  RECORD_NAMES = 19,
  RECORD_RELAY = 20,
  RECORD_MODULE = 32,
  RECORD_ROOT = 33,
  RECORD_OVERLAY = 34,
  RECORD_ROOT_WAIT = 35,
};

enum { RECORDS_FILE_BYTES = 1 << 20, RECORD_BYTES = (1 << 17) - 1, RECORDS_COUNT = 1 << 14 };

enum { ENDING_POWER_OFF = 0, ENDING_RESTART = 1 };

enum { ROOT_OVERLAY = 0, ROOT_RW = 1, ROOT_RO = 2 };

/* The files by precedence: a key in an earlier one hides that key in all later ones. */
enum records_file { RECORDS_RUN, RECORDS_INIT, RECORDS_BOOT, RECORDS_FILES };

/* One record's bytes, in the file's buffer. */
struct record {
  const u8 *bytes;
  u32 length;
};

/* Where the search for further records of a key stands. */
struct record_cursor {
  const u8 *at, *end;
  u16 key;
};

/* Reads and checks a file; -ENOENT when there is none; fails the machine when it is broken. */
long records_load(enum records_file which, const char *path);
long records_load_at(enum records_file which, int fd, u64 offset, u64 length);

/* All records of `key`: in the first file that has any, or in one file. */
struct record_cursor records_of(enum record_key key);
struct record_cursor records_in(enum records_file which, enum record_key key);
int record_next(struct record_cursor *cursor, struct record *record);
int record_first(enum record_key key, struct record *record);

/* A record's text as a C string that lives for ever; NULL when the key is absent. */
char *record_text(const struct record *record);
char *records_text(enum record_key key);
u32 records_number(enum record_key key, u32 otherwise);
u32 record_u32(const struct record *record);
u16 record_u16(const struct record *record);

#endif
