/* KVM's interface: Documentation/virt/kvm/api.rst, include/uapi/linux/kvm.h. */
#ifndef WICK_KVM_H
#define WICK_KVM_H

#include "../../../guest/init/sys.h"

enum {
  KVM_API_VERSION = 12,

  KVM_GET_API_VERSION = 0xae00,
  KVM_CREATE_VM = 0xae01,
  KVM_GET_VCPU_MMAP_SIZE = 0xae04,
  KVM_CREATE_VCPU = 0xae41,
  KVM_SET_USER_MEMORY_REGION = 0x4020ae46,
  KVM_RUN = 0xae80,

  KVM_EXIT_IO = 2,
  KVM_EXIT_MMIO = 6,
  KVM_EXIT_SHUTDOWN = 8,
};

struct kvm_userspace_memory_region {
  u32 slot, flags;
  u64 guest_phys_addr, memory_size, userspace_addr;
};

struct kvm_run {
  u8 request_interrupt_window, immediate_exit, padding1[6];
  u32 exit_reason;
  u8 ready_for_interrupt_injection, if_flag;
  u16 flags;
  u64 cr8, apic_base;
  union {
    struct {
      u8 direction, size;
      u16 port;
      u32 count;
      u64 data_offset; /* from the beginning of kvm_run */
    } io;
    struct {
      u64 phys_addr;
      u8 data[8];
      u32 len;
      u8 is_write;
    } mmio;
  };
};

#endif
