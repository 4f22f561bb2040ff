#include "init.h"

enum { HEAD_BYTES = 256, PT_INTERP = 3, ELF_PROGRAM_HEADERS = 64 };

struct elf_header {
  u8 ident[16];
  u16 type, machine;
  u32 version;
  u64 entry, program_headers, sections;
  u32 flags;
  u16 header_size, program_header_size, program_header_count;
};
struct program_header {
  u32 type, flags;
  u64 offset, virtual_address, physical_address, file_size, memory_size, alignment;
};

static const struct {
  u16 number;
  const char *name;
} machines[] = {
    {3, "i386"},     {8, "mips"},    {20, "powerpc"}, {21, "powerpc64"}, {22, "s390"},
    {40, "arm"},     {62, "x86_64"}, {183, "aarch64"}, {243, "riscv"},   {258, "loongarch"},
};

static const char *machine_name(u16 number) {
  for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
    if (machines[i].number == number) return machines[i].name;
  }
  return "an unknown machine";
}

/* The path of the loader that an ELF file asks for, or 0. */
static int read_loader(int fd, const struct elf_header *elf, char *path, size_t size) {
  for (u32 i = 0; i < elf->program_header_count && i < ELF_PROGRAM_HEADERS; i++) {
    struct program_header p;
    u64 at = elf->program_headers + (u64)i * elf->program_header_size;
    if (sys_pread(fd, &p, sizeof p, at) != (long)sizeof p) return 0;
    if (p.type != PT_INTERP) continue;
    size_t length = p.file_size < size - 1 ? p.file_size : size - 1;
    long got = sys_pread(fd, path, length, p.offset);
    if (got <= 0) return 0;
    path[got] = 0;
    return 1;
  }
  return 0;
}

static int explain_elf(int fd, const struct elf_header *elf, char *detail, size_t size) {
  if (elf->machine != ARCH_ELF_MACHINE || elf->ident[4] != 2) {
    join(detail, size, machine_name(elf->machine), ", this machine is " ARCH_NAME, NULL);
    return EXEC_WRONG_ARCHITECTURE;
  }
  if (read_loader(fd, elf, detail, size) && !exists(detail)) return EXEC_LOADER_MISSING;
  detail[0] = 0;
  return EXEC_OTHER;
}

/* `#!`, blanks, then a path up to a blank or the line's end. */
static int explain_script(const char *head, char *detail, size_t size) {
  const char *at = head + 2;
  size_t used = 0;
  while (*at == ' ' || *at == '\t') at++;
  while (*at && *at != ' ' && *at != '\t' && *at != '\n' && used + 1 < size) detail[used++] = *at++;
  detail[used] = 0;
  /* A carriage return, from an editor elsewhere, is part of the name that is not found. */
  if (used > 0 && detail[used - 1] == '\r') join(detail + used - 1, size - used + 1, "\\r", NULL);
  else if (exists(detail)) detail[0] = 0;
  return detail[0] ? EXEC_INTERPRETER_MISSING : EXEC_OTHER;
}

static int explain_contents(int fd, char *detail, size_t size) {
  char head[HEAD_BYTES + 1];
  struct elf_header elf;
  long got = sys_pread(fd, head, HEAD_BYTES, 0);
  head[got > 0 ? got : 0] = 0;
  if (got > 2 && text_starts(head, "#!")) return explain_script(head, detail, size);
  if (got >= (long)sizeof elf && memcmp(head, "\177ELF", 4) == 0) {
    memcpy(&elf, head, sizeof elf);
    return explain_elf(fd, &elf, detail, size);
  }
  return EXEC_NOT_A_PROGRAM;
}

static int explain_refusal(const struct statx *st, char *detail, size_t size) {
  if ((st->mode & S_IFMT) == S_IFDIR) return EXEC_DIRECTORY;
  const char *why = (st->mode & 0111) == 0 ? "its mode has no x"
                                           : "its mode, or that of a directory above it";
  join(detail, size, why, NULL);
  return EXEC_NOT_EXECUTABLE;
}

/* Why execve gave `error` for `path` (relative to `directory`): a reason, its detail in words. */
int explain(const char *path, int error, int directory, char *detail, size_t size) {
  struct statx st;
  detail[0] = 0;
  if (error == E2BIG) return EXEC_TOO_LONG;
  if (sys_statx(directory, path, 0, &st) != 0) {
    return error == ENOENT || error == ENOTDIR ? EXEC_NOT_FOUND : EXEC_OTHER;
  }
  if (error == EACCES) return explain_refusal(&st, detail, size);
  if (error != ENOENT && error != ENOEXEC && error != ELIBBAD) return EXEC_OTHER;
  long fd = sys_openat(directory, path, O_RDONLY);
  if (fd < 0) return EXEC_OTHER;
  int reason = explain_contents((int)fd, detail, size);
  sys_close((int)fd);
  return reason;
}
