#if defined(__x86_64__)

#include "probe.h"
#include "x86_64-guest.h"

enum {
  KVM_GET_SUPPORTED_CPUID = (int)0xc008ae05,
  KVM_SET_TSS_ADDR = 0xae47,
  KVM_CREATE_IRQCHIP = 0xae60,
  KVM_SET_REGS = 0x4090ae82,
  KVM_GET_SREGS = (int)0x8138ae83,
  KVM_SET_SREGS = 0x4138ae84,
  KVM_SET_CPUID2 = 0x4008ae90,

  /* Three pages that KVM needs on Intel, where no memory lies: QEMU's and Firecracker's choice. */
  TSS_ADDRESS = (int)0xfffbd000,
  MOST_CPUID_ENTRIES = 256,
};

struct kvm_regs {
  u64 rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
  u64 r8, r9, r10, r11, r12, r13, r14, r15;
  u64 rip, rflags;
};

struct kvm_segment {
  u64 base;
  u32 limit;
  u16 selector;
  u8 type, present, dpl, db, s, l, g, avl, unusable, padding;
};

struct kvm_sregs {
  struct kvm_segment cs, ds, es, fs, gs, ss, tr, ldt;
  struct {
    u64 base;
    u16 limit, padding[3];
  } gdt, idt;
  u64 cr0, cr2, cr3, cr4, cr8, efer, apic_base;
  u64 interrupt_bitmap[4];
};

struct kvm_cpuid2 {
  u32 nent, padding;
  struct {
    u32 words[10];
  } entries[MOST_CPUID_ENTRIES];
};

_Static_assert(sizeof(struct kvm_regs) == 144, "kvm_regs");
_Static_assert(sizeof(struct kvm_sregs) == 312, "kvm_sregs");
_Static_assert(sizeof(struct kvm_cpuid2) == 8 + 40 * MOST_CPUID_ENTRIES, "kvm_cpuid2");

const u64 guest_memory_base = 0;
const u64 guest_memory_size = GUEST_MEMORY;
const u64 guest_code_address = GUEST_CODE;

const char *const station_names[] = {
    [STATION_REAL - 1] = "real mode",
    [STATION_PROTECTED - 1] = "protected mode",
    [STATION_LONG - 1] = "long mode",
    [STATION_MEMORY - 1] = "paged memory",
    [STATION_FAULT - 1] = "page fault",
    [STATION_CPUID - 1] = "CPUID",
    [STATION_TIMER - 1] = "timer interrupt",
    [STATION_PROGRAM - 1] = "user program",
    [STATION_WORK - 1] = "work",
    NULL,
};

static struct kvm_cpuid2 cpuid;

long create_machine(int kvm) { return sys_ioctl(kvm, KVM_CREATE_VM, 0); }

void prepare_machine(const struct machine *m) {
  must(SYSCALL3(SYS_ioctl, m->vm, KVM_SET_TSS_ADDR, (u32)TSS_ADDRESS), "KVM_SET_TSS_ADDR");
  must(sys_ioctl(m->vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
}

/* As after a reset, but that real mode begins at the guest's code and not in a firmware. */
void prepare_vcpu(const struct machine *m) {
  cpuid.nent = MOST_CPUID_ENTRIES;
  must(sys_ioctl(m->kvm, (u32)KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
  must(sys_ioctl(m->vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
  struct kvm_sregs sregs;
  must(sys_ioctl(m->vcpu, (u32)KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  must(sys_ioctl(m->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs = {0};
  regs.rip = GUEST_CODE;
  regs.rflags = 2; /* the bit that is always set */
  must(sys_ioctl(m->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

u32 reported_station(const struct kvm_run *run) {
  if (run->exit_reason != KVM_EXIT_IO || run->io.port != REPORT_PORT) return 0;
  return ((const u8 *)run)[run->io.data_offset];
}

#endif
