/*
 * The channel's messages, version 1; docs/channel.md shows this table, src/guest/message-types.ts
 * and message-layout.ts hold the same one (a test compares the numbers). All little-endian, as
 * both architectures are.
 */
#ifndef WICK_PROTOCOL_H
#define WICK_PROTOCOL_H

#include "sys.h"

enum { CHANNEL_VERSION = 1, CHANNEL_PAYLOAD_CAP = 1 << 20, CHANNEL_TYPE_MUST = 0x8000 };

enum report_type {
  REPORT_HELLO = 0x0001,
  REPORT_MARK = 0x0002,
  REPORT_STARTED = 0x0003,
  REPORT_LISTENING = 0x0004,
  REPORT_WARNING = 0x0005,
  REPORT_EXEC_FAILED = 0x0010,
  REPORT_SETUP_FAILED = 0x0011,
  REPORT_EXITED = 0x0012,
  REPORT_SIGNALLED = 0x0013,
};

enum command_type {
  COMMAND_HELLO = 0x0101,
  COMMAND_ACK = 0x0102,
  COMMAND_SIGNAL = 0x0103,
  COMMAND_STOP = 0x0104,
};

enum exec_reason {
  EXEC_OTHER = 0,
  EXEC_NOT_FOUND = 1,
  EXEC_INTERPRETER_MISSING = 2,
  EXEC_LOADER_MISSING = 3,
  EXEC_NOT_EXECUTABLE = 4,
  EXEC_WRONG_ARCHITECTURE = 5,
  EXEC_NOT_A_PROGRAM = 6,
  EXEC_DIRECTORY = 7,
  EXEC_TOO_LONG = 8,
};

struct __attribute__((packed)) frame_header {
  u32 length;
  u16 type, stream;
};
struct __attribute__((packed)) hello_head {
  u16 version, reserved;
};
struct __attribute__((packed)) mark_head {
  u64 ns;
};
struct __attribute__((packed)) started_body {
  u64 ns;
  u32 pid;
};
struct __attribute__((packed)) listening_body {
  u64 ns;
  u16 port;
};
struct __attribute__((packed)) exec_failed_head {
  u32 error;
  u16 reason, path_length;
};
struct __attribute__((packed)) step_head {
  u32 error;
  u16 step_length;
};
struct __attribute__((packed)) exited_body {
  u32 status;
};
struct __attribute__((packed)) signalled_body {
  u32 signal, flags;
};

#endif
