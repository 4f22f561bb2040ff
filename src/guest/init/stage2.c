#include "init.h"

/* The machine around the application, then the application, then the machine's end. */
_Noreturn void stage2(void) {
  static struct application application;
  channel_listen();
  report_mark("stage2");
  if (records_load(RECORDS_INIT, "/.wick/init.rec") != 0) {
    struct record any;
    if (!record_first(RECORD_ARGV, &any)) fail("records", ENOENT, "/.wick/init.rec");
  }
  write_file("/proc/self/oom_score_adj", "-1000");
  mount_all();
  set_sysctls();
  network_up();
  write_names();
  mount_asked();
  application_read(&application);
  make_read_only();
  relay_start();
  application_start(&application);
  report_mark("application");
  supervise(&application);
}
