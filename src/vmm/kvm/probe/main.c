/*
 * Whether this host's KVM runs a guest: makes a machine of one processor and lets it walk to
 * where a kernel walks. Where KVM does not work the guest may stand still for ever, in a state
 * in which nothing here gets the processor back: whoever starts the probe ends it.
 *
 *   kvm-probe [DEVICE]     status 0 and a last line "works" when the guest came to its end
 *
 * Each line of stdout is a step that succeeded; "failed STEP ERRNO" or "failed STEP: WORDS"
 * is the last one otherwise, with status 1.
 */
#include "probe.h"

enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };

/* Ends of the guest that are not its own: more than a whole walk has. */
enum { MOST_EXITS = 10000 };

static void say(const char *text) {
  size_t n = 0;
  while (text[n]) n++;
  sys_write(1, text, n);
}

static void say_number(u64 number) {
  char text[24];
  size_t at = sizeof text - 1;
  text[at] = 0;
  do {
    text[--at] = (char)('0' + number % 10);
  } while (number /= 10);
  say(text + at);
}

static void reached(const char *step) {
  say(step);
  say("\n");
}

_Noreturn static void failed(const char *step, const char *words, u64 number) {
  say("failed ");
  say(step);
  say(words);
  say_number(number);
  say("\n");
  sys_exit(1);
}

long must(long result, const char *name) {
  if (result < 0) failed(name, " ", (u64)-result);
  return result;
}

static void *map(size_t size, int flags, int fd) {
  long at = sys(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, flags, fd, 0);
  return (void *)must(at, "mmap");
}

static void open_kvm(struct machine *m, const char *device) {
  m->kvm = (int)must(sys_open(device, O_RDWR, 0), "open");
  reached("open");
  long version = must(sys_ioctl(m->kvm, KVM_GET_API_VERSION, 0), "KVM_GET_API_VERSION");
  if (version != KVM_API_VERSION) failed("KVM_GET_API_VERSION", ": version ", (u64)version);
  m->vm = (int)must(create_machine(m->kvm), "KVM_CREATE_VM");
  reached("machine");
}

static void add_memory(struct machine *m) {
  m->memory = map(guest_memory_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  struct kvm_userspace_memory_region region = {0};
  region.guest_phys_addr = guest_memory_base;
  region.memory_size = guest_memory_size;
  region.userspace_addr = (u64)m->memory;
  must(sys_ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  u8 *to = m->memory + (guest_code_address - guest_memory_base);
  for (const u8 *from = guest_code; from < guest_code_end; from++) *to++ = *from;
  reached("memory");
}

static void add_processor(struct machine *m) {
  prepare_machine(m);
  m->vcpu = (int)must(sys_ioctl(m->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  long size = must(sys_ioctl(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  m->run = map((size_t)size, MAP_SHARED, m->vcpu);
  prepare_vcpu(m);
  reached("processor");
}

/* Runs the guest from one station to the next; each is to be the one that comes next. */
static void walk(const struct machine *m) {
  u32 passed = 0;
  for (u32 exits = 0; station_names[passed]; exits++) {
    long result = sys_ioctl(m->vcpu, KVM_RUN, 0);
    if (result == -EINTR) continue;
    must(result, "KVM_RUN");
    u32 station = reported_station(m->run);
    if (station == 0) failed("KVM_RUN", ": exit ", m->run->exit_reason);
    if (station != passed + 1 || exits > MOST_EXITS) failed("KVM_RUN", ": station ", station);
    reached(station_names[passed++]);
  }
}

_Noreturn void start_c(long *stack);

_Noreturn void start_c(long *stack) {
  struct machine m = {0};
  const char *device = stack[0] > 1 ? (const char *)stack[2] : "/dev/kvm";
  open_kvm(&m, device);
  add_memory(&m);
  add_processor(&m);
  walk(&m);
  reached("works");
  sys_exit(0);
}
