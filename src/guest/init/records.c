#include "init.h"

struct __attribute__((packed)) file_header {
  u8 magic[8];
  u32 version, length;
};
struct __attribute__((packed)) record_header {
  u16 tag;
  u32 length;
};

static struct {
  u8 bytes[RECORDS_FILE_BYTES + 1];
  u32 start, end; /* of the records; equal = no file */
} files[RECORDS_FILES];

static const char *const names[RECORDS_FILES] = {"run.rec", "init.rec", "boot.rec"};

/* What is refused says nothing any more: the way to the machine's end reads records too. */
_Noreturn static void refuse(enum records_file which, const char *why) {
  char words[128];
  files[which].start = files[which].end = 0;
  join(words, sizeof words, names[which], ": ", why, NULL);
  fail("records", EINVAL, words);
}

static int known(u16 key) {
  return (key >= RECORD_ARGV && key <= RECORD_RELAY) ||
         (key >= RECORD_MODULE && key <= RECORD_ROOT_WAIT);
}

/* Every record lies within the file, none that must be understood is unknown. */
static void check(enum records_file which) {
  const u8 *at = files[which].bytes + files[which].start;
  const u8 *end = files[which].bytes + files[which].end;
  for (u32 count = 0; at < end; count++) {
    struct record_header head;
    if ((size_t)(end - at) < sizeof head) refuse(which, "a record's head is cut");
    memcpy(&head, at, sizeof head);
    at += sizeof head;
    if (head.length > (size_t)(end - at)) refuse(which, "a record is cut");
    if (head.length > RECORD_BYTES) refuse(which, "a record is too long");
    if (count >= RECORDS_COUNT) refuse(which, "too many records");
    if ((head.tag & RECORD_MUST_UNDERSTAND) && !known(head.tag & ~RECORD_MUST_UNDERSTAND)) {
      refuse(which, "it asks for something that this init is too old for");
    }
    at += head.length;
  }
}

/* Reads the file that lies at `offset` of `fd` and ends there or after `length` bytes. */
long records_load_at(enum records_file which, int fd, u64 offset, u64 length) {
  u8 *bytes = files[which].bytes;
  struct file_header head;
  size_t used = 0, room = sizeof files[which].bytes;
  if (length < room) room = (size_t)length;
  for (long got; used < room; used += (size_t)got) {
    got = sys_pread(fd, bytes + used, room - used, offset + used);
    if (got < 0) refuse(which, error_words((int)-got));
    if (got == 0) break;
  }
  if (used > RECORDS_FILE_BYTES) refuse(which, "more than a mebibyte");
  if (used < sizeof head) refuse(which, "shorter than its header");
  memcpy(&head, bytes, sizeof head);
  if (memcmp(head.magic, "WICK-REC", 8) != 0) refuse(which, "not a record file");
  if (head.version != 1) refuse(which, "a version that this init does not know");
  if (head.length != used - sizeof head) refuse(which, "cut or overlong");
  files[which].start = sizeof head;
  files[which].end = (u32)used;
  check(which);
  return 0;
}

long records_load(enum records_file which, const char *path) {
  long fd = sys_open(path, O_RDONLY, 0);
  if (fd == -ENOENT || fd == -ENOTDIR) return -ENOENT;
  if (fd < 0) refuse(which, error_words((int)-fd));
  records_load_at(which, (int)fd, 0, UINT64_MAX);
  sys_close((int)fd);
  return 0;
}

int record_next(struct record_cursor *cursor, struct record *record) {
  while (cursor->at < cursor->end) {
    struct record_header head;
    memcpy(&head, cursor->at, sizeof head);
    record->bytes = cursor->at + sizeof head;
    record->length = head.length;
    cursor->at = record->bytes + head.length;
    if ((head.tag & ~RECORD_MUST_UNDERSTAND) == cursor->key) return 1;
  }
  return 0;
}

struct record_cursor records_in(enum records_file which, enum record_key key) {
  const u8 *bytes = files[which].bytes;
  return (struct record_cursor){bytes + files[which].start, bytes + files[which].end, (u16)key};
}

struct record_cursor records_of(enum record_key key) {
  for (int i = 0; i < RECORDS_FILES; i++) {
    struct record_cursor all = records_in((enum records_file)i, key);
    struct record_cursor probe = all;
    struct record first;
    if (record_next(&probe, &first)) return all;
  }
  return (struct record_cursor){NULL, NULL, (u16)key};
}

int record_first(enum record_key key, struct record *record) {
  struct record_cursor cursor = records_of(key);
  return record_next(&cursor, record);
}

char *record_text(const struct record *record) {
  for (u32 i = 0; i < record->length; i++) {
    if (record->bytes[i] == 0) fail("records", EINVAL, "a text holds a NUL byte");
  }
  char *text = keep(NULL, record->length + 1);
  memcpy(text, record->bytes, record->length);
  return text;
}

char *records_text(enum record_key key) {
  struct record record;
  return record_first(key, &record) ? record_text(&record) : NULL;
}

u32 record_u32(const struct record *record) {
  u32 value;
  if (record->length != sizeof value) fail("records", EINVAL, "a number has the wrong length");
  memcpy(&value, record->bytes, sizeof value);
  return value;
}

u16 record_u16(const struct record *record) {
  u16 value;
  if (record->length != sizeof value) fail("records", EINVAL, "a port has the wrong length");
  memcpy(&value, record->bytes, sizeof value);
  return value;
}

u32 records_number(enum record_key key, u32 otherwise) {
  struct record record;
  return record_first(key, &record) ? record_u32(&record) : otherwise;
}
