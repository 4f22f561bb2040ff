#include "relay.h"

/* Pieces are made from the front of the room as they are needed, and used again when given back. */
static u8 *room;
static size_t room_bytes, made_bytes, in_use;
static struct piece *free_pieces;

enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20, MADV_DONTNEED = 4 };

void pool_open(size_t bytes) {
  long place = sys(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
  if (place < 0 && place > -4096) return; /* no room at all: what cannot be kept is reset */
  room = (u8 *)place;
  room_bytes = bytes;
}

struct piece *pool_take(void) {
  struct piece *piece = free_pieces;
  if (piece) {
    free_pieces = piece->next;
  } else {
    if (room_bytes - made_bytes < sizeof *piece) return NULL;
    piece = (struct piece *)(room + made_bytes);
    made_bytes += sizeof *piece;
  }
  in_use++;
  piece->next = NULL;
  piece->start = piece->end = 0;
  return piece;
}

/* When none is in use any more, the memory goes back to the machine. */
void pool_give(struct piece *piece) {
  piece->next = free_pieces;
  free_pieces = piece;
  if (--in_use > 0) return;
  SYSCALL3(SYS_madvise, room, made_bytes, MADV_DONTNEED);
  free_pieces = NULL;
  made_bytes = 0;
}
