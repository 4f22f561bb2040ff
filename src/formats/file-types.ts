/** File types in directory entries, by kind of node: FT_* of include/linux/fs_types.h, which ext4 and EROFS share. */
export const FILE_TYPE = {
  file: 1,
  directory: 2,
  char: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
} as const;
