import { expect, test } from "vitest";
import { WickError } from "../../errors/index.ts";
import type { PortForward } from "../vmm.ts";
import { boundPorts, hasTaken } from "./usernet.ts";

/** As QEMU 7.2 prints it. */
const usernet = `Hub -1 (net0):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  UDP[HOST_FORWARD]  19        127.0.0.1 40053       10.0.2.15    53     0     0
  TCP[HOST_FORWARD]  18                * 40443       10.0.2.15   443     0     0
  TCP[HOST_FORWARD]  17        127.0.0.1  8080       10.0.2.15    80     0     0
  TCP[HOST_FORWARD]  16        127.0.0.1 40080       10.0.2.15    80     0     0
  TCP[ESTABLISHED]   21        127.0.0.1  8080       10.0.2.15    80     0     0
`;

function port(
  hostPort: number,
  guestPort: number,
  changes: Partial<PortForward> = {},
): PortForward {
  return { protocol: "tcp", hostAddress: "127.0.0.1", hostPort, guestPort, ...changes };
}

test("each published port gets the number that QEMU bound for it", () => {
  const asked = [
    port(0, 80),
    port(8080, 80),
    port(0, 443, { hostAddress: "0.0.0.0" }),
    port(0, 53, { protocol: "udp" }),
  ];
  expect(boundPorts(asked, usernet).map(({ hostPort }) => hostPort)).toEqual([
    40080, 8080, 40443, 40053,
  ]);
});

test("a port that QEMU does not list is an error", () => {
  expect(() => boundPorts([port(0, 81)], usernet)).toThrow(WickError);
  expect(() => boundPorts([port(8081, 80)], usernet)).toThrow(/8081 to port 80\/tcp/);
});

test("a connection is taken when the guest has answered it, and only on its own port", () => {
  const row = (state: string, hostPort = 8080): string =>
    `  TCP[${state}]   21        127.0.0.1  ${hostPort}       10.0.2.15    80     0     0\r\n`;
  for (const state of ["ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_2", "TIME_WAIT"]) {
    expect(hasTaken(port(8080, 80), row(state)), state).toBe(true);
  }
  for (const state of ["HOST_FORWARD", "SYN_SENT", "CLOSED"]) {
    expect(hasTaken(port(8080, 80), row(state)), state).toBe(false);
  }
  expect(hasTaken(port(8080, 80), usernet)).toBe(true);
  expect(hasTaken(port(40080, 80), usernet)).toBe(false);
  expect(hasTaken(port(8080, 81), row("ESTABLISHED"))).toBe(false);
});
