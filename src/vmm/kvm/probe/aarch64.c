#if defined(__aarch64__)

#include "aarch64-guest.h"
#include "probe.h"

enum {
  KVM_SET_ONE_REG = 0x4010aeac,
  KVM_ARM_VCPU_INIT = 0x4020aeae,
  KVM_ARM_PREFERRED_TARGET = (int)0x8020aeaf,

  ADDRESS_BITS = 36, /* of a machine whose KVM has not the usual 40 */
};

/* KVM_REG_ARM64, 64 bits, KVM_REG_ARM_CORE: user_pt_regs.pc in units of 4 bytes. */
static const u64 REGISTER_PC = 0x6030000000100040;

struct kvm_vcpu_init {
  u32 target, features[7];
};

struct kvm_one_reg {
  u64 id, addr;
};

const u64 guest_memory_base = GUEST_MEMORY;
const u64 guest_memory_size = GUEST_MEMORY_SIZE;
const u64 guest_code_address = GUEST_CODE;

const char *const station_names[] = {
    [STATION_KERNEL - 1] = "kernel entry", [STATION_MEMORY - 1] = "paged memory",
    [STATION_FAULT - 1] = "page fault",    [STATION_PROGRAM - 1] = "user program",
    [STATION_WORK - 1] = "work",           NULL,
};

enum {
  TABLE = 3,                     /* an entry that leads to the next level */
  DEVICE_BLOCK = 0x401,          /* accessed; attributes 0 */
  READ_ONLY_FOR_ALL = 0xc0,      /* what a program may write, a kernel may not execute */
};

static u64 *table(const struct machine *m, u64 address) {
  return (u64 *)(m->memory + (address - GUEST_MEMORY));
}

long create_machine(int kvm) {
  long vm = sys_ioctl(kvm, KVM_CREATE_VM, 0);
  return vm == -EINVAL ? SYSCALL3(SYS_ioctl, kvm, KVM_CREATE_VM, ADDRESS_BITS) : vm;
}

/* Every page where it lies, but for the one that is to be missed. */
void prepare_machine(const struct machine *m) {
  table(m, LEVEL1)[0] = DEVICE_BLOCK;
  table(m, LEVEL1)[1] = LEVEL2 | TABLE;
  table(m, LEVEL2)[0] = LEVEL3 | TABLE;
  for (u64 at = GUEST_MEMORY, i = 0; at < ABSENT; at += 4096, i++) {
    table(m, LEVEL3)[i] = at | PAGE | (at == GUEST_CODE ? READ_ONLY_FOR_ALL : 0);
  }
}

void prepare_vcpu(const struct machine *m) {
  struct kvm_vcpu_init init = {0};
  must(sys_ioctl(m->vm, (u32)KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
  must(sys_ioctl(m->vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
  u64 pc = GUEST_CODE;
  struct kvm_one_reg one = {REGISTER_PC, (u64)&pc};
  must(sys_ioctl(m->vcpu, KVM_SET_ONE_REG, &one), "KVM_SET_ONE_REG");
}

u32 reported_station(const struct kvm_run *run) {
  if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != REPORT_ADDRESS) return 0;
  return run->mmio.is_write ? run->mmio.data[0] : 0;
}

#endif
