import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { sanitise } from "../../bytes/index.ts";
import { type AddressClass, classOfAddress, literalAddress } from "./addresses.ts";
import { ConnectionError } from "./connection-error.ts";
import { noteLookup } from "./lookups.ts";

/** How near the hosts may be that a request goes to; `loopback` allows every address. */
export type Reach = AddressClass;

/** Names to addresses and addresses to classes; tests put others in their place. */
export interface AddressRules {
  readonly lookup: typeof systemLookup;
  readonly classOf: (address: string) => AddressClass;
}

export const systemRules: AddressRules = { lookup: systemLookup, classOf: classOfAddress };

const nearness: Readonly<Record<AddressClass, number>> = { loopback: 0, private: 1, public: 2 };

/** Whether a request of `reach` may go to an address of `found`: never nearer than allowed. */
export function mayReach(reach: Reach, found: AddressClass): boolean {
  return nearness[found] >= nearness[reach];
}

/** The farther of two. */
export function farther(a: AddressClass, b: AddressClass): AddressClass {
  return nearness[a] > nearness[b] ? a : b;
}

/** Refuses an address written as such; names are looked at when they are looked up. */
export function checkLiteral(url: URL, reach: Reach, rules: AddressRules): void {
  const literal = literalAddress(url.hostname);
  if (literal === undefined || mayReach(reach, rules.classOf(literal))) return;
  throw forbidden(url.hostname, literal);
}

function forbidden(hostname: string, address: string): ConnectionError {
  return new ConnectionError(
    "forbidden",
    `Cannot go on to ${sanitise(hostname)}: a registry elsewhere names ${sanitise(address)}, an address of this machine or its network`,
    { hint: "only a registry that is itself that near may send you there" },
  );
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** A `lookup` for sockets that gives only addresses within `reach`. */
export function lookupWithin(
  reach: Reach,
  rules: AddressRules,
): (hostname: string, options: LookupOptions, callback: LookupCallback) => void {
  return (hostname, options, callback) => {
    const ended = noteLookup();
    rules.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      ended();
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => mayReach(reach, rules.classOf(address)));
      const [first] = allowed;
      if (first === undefined)
        return callback(forbidden(hostname, addresses[0]?.address ?? ""), []);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
