import type { DoctorLine } from "./line.ts";

/** What Firecracker calls vsock is a Unix socket on this side: no module, no device, no right. */
export function checkVsock(): DoctorLine[] {
  return [
    {
      check: "vsock",
      state: "ok",
      found:
        "nothing of this host's is needed; the guest's kernel needs vmw_vsock_virtio_transport, built in or as a module",
      purpose: "how a machine on Firecracker reports, and its published ports",
      isNeeded: false,
    },
  ];
}
