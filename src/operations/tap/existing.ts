import { sanitise } from "../../bytes/index.ts";
import { networkDevices } from "../../host/index.ts";
import { PURPOSE, tapError } from "./errors.ts";
import { addressBeside, type TapAddresses } from "./subnets.ts";

type Device = Awaited<ReturnType<typeof networkDevices>>[number];

/** The addresses of a TAP that the user has made; it is only looked at. */
export async function existingTap(name: string, signal?: AbortSignal): Promise<TapAddresses> {
  const devices = await networkDevices({ purpose: PURPOSE, signal });
  const device = devices.find((one) => one.name === name);
  return addressesOf(name, device);
}

/** Or why it cannot be a machine's. */
export function addressesOf(given: string, device: Device | undefined): TapAddresses {
  const name = sanitise(given);
  if (device === undefined) throw tapError("SOURCE_NOT_FOUND", `there is no device ${name}`);
  if (device.kind !== "tap") {
    const kind = device.kind === undefined ? "" : ` but a ${sanitise(device.kind)}`;
    throw tapError("USAGE", `${name} is no TAP${kind}`);
  }
  if (device.isMultiQueue) {
    const hint = `make it without multi_queue: ip tuntap add dev ${name} mode tap`;
    throw tapError("USAGE", `${name} has several queues, and machines take one`, hint);
  }
  const [address] = device.addresses;
  if (address === undefined) {
    const hint = `give it one: ip addr add 172.16.0.1/30 dev ${name}`;
    throw tapError(
      "USAGE",
      `${name} has no IPv4 address, beside which the machine's would be`,
      hint,
    );
  }
  const guest = addressBeside(address);
  if (guest === undefined) {
    const hint = `give it a network: ip addr add 172.16.0.1/30 dev ${name}`;
    throw tapError("USAGE", `the network of ${name} has no address but ${address.address}`, hint);
  }
  if (!device.isUp) throw tapError("USAGE", `${name} is down`, `ip link set ${name} up`);
  if (device.hasCarrier) {
    throw tapError(
      "IN_USE",
      `another program is attached to ${name}`,
      "each machine takes a TAP of its own",
    );
  }
  return { host: address.address, guest, prefix: address.prefix };
}
