/* The parts of the probe: main.c, and what differs between architectures (ARCH.c, ARCH-guest.S). */
#ifndef WICK_KVM_PROBE_H
#define WICK_KVM_PROBE_H

#include "kvm.h"

struct machine {
  int kvm, vm, vcpu;
  u8 *memory; /* of the guest, from guest-physical guest_memory_base */
  struct kvm_run *run;
};

/* Guest-physical; sizes in bytes. */
extern const u64 guest_memory_base, guest_memory_size, guest_code_address;
extern const u8 guest_code[], guest_code_end[];

/* Names of stations, in the order in which the guest passes them; NULL ends them. */
extern const char *const station_names[];

/* A descriptor, or -errno. */
long create_machine(int kvm);

/* When there is memory and no vcpu: what the architecture's machine has beside memory. */
void prepare_machine(const struct machine *m);

/* The vcpu begins at guest_code_address. */
void prepare_vcpu(const struct machine *m);

/* The station that the guest has just reported, from 1; 0 when it left for another reason. */
u32 reported_station(const struct kvm_run *run);

/* ioctl(2); a failure ends the probe with its name and errno. */
long must(long result, const char *name);

#endif
