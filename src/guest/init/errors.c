#include "init.h"

static const struct {
  int error;
  const char *words;
} known[] = {
    {EPERM, "not permitted"},
    {ENOENT, "no such file or directory"},
    {EIO, "input/output error"},
    {E2BIG, "arguments and environment are too long"},
    {ENOEXEC, "not a program this kernel can run"},
    {EAGAIN, "try again"},
    {ENOMEM, "out of memory"},
    {EACCES, "permission denied"},
    {EBUSY, "busy"},
    {EEXIST, "exists"},
    {ENODEV, "no such device or file system"},
    {ENOTDIR, "not a directory"},
    {EISDIR, "is a directory"},
    {EINVAL, "invalid argument"},
    {ENOSPC, "no space left"},
    {EROFS, "read-only file system"},
    {ENAMETOOLONG, "name too long"},
    {ENOSYS, "the kernel lacks this call"},
    {ELOOP, "too many symbolic links"},
    {ELIBBAD, "its loader is damaged or for another architecture"},
    {ETIMEDOUT, "timed out"},
};

/* What an errno means, for people; "" for 0, its number when it is none of the usual ones. */
const char *error_words(int error) {
  static char number[32];
  if (error == 0) return "";
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].error == error) return known[i].words;
  }
  join(number, sizeof number, "error ", decimal((u64)error).text, NULL);
  return number;
}
