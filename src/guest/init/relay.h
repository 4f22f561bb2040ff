/*
 * The relay's frames, version 1; docs/relay.md shows this table, src/guest/relay-types.ts and
 * relay-layout.ts hold the same one (a test compares the numbers). The header is the channel's.
 */
#ifndef WICK_RELAY_H
#define WICK_RELAY_H

#include "init.h"

enum {
  RELAY_VERSION = 1,
  RELAY_PAYLOAD_BYTES = 1 << 16,
  RELAY_WINDOW_BYTES = 0x7fffffff,
  RELAY_CONNECTIONS = 4096,
};

enum relay_type {
  FRAME_HELLO = 0x8201,
  FRAME_OPEN = 0x8202,
  FRAME_OPENED = 0x8203,
  FRAME_REFUSED = 0x8204,
  FRAME_DATA = 0x8205,
  FRAME_CREDIT = 0x8206,
  FRAME_END = 0x8207,
  FRAME_RESET = 0x8208,
  FRAME_CLOSED = 0x8209,
  FRAME_GOODBYE = 0x820a,
};

struct __attribute__((packed)) relay_hello {
  u16 version, reserved;
  u32 window;
};

#endif
