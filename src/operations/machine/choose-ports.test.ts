import { expect, test } from "vitest";
import { parsePublishedAll } from "../../application/index.ts";
import { planRun } from "../../config/index.ts";
import { checkRelayed, publishedPorts } from "./choose-ports.ts";
import type { ImageFacts } from "../images/image-facts.ts";

const caller = { environment: {}, workingDirectory: "/", arch: "x86_64" } as const;
const plan = (network: "user" | "relay" | "tap") =>
  planRun({ source: "/x.ext4", network, publishAll: true, accel: "tcg" }, caller);

const image: ImageFacts = {
  format: "ext4",
  uuid: "",
  config: { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "9/sctp": {} } },
  users: { passwd: undefined, group: undefined },
  reports: true,
  isApp: false,
};

test("-P publishes what the network carries: relay and TAP TCP alone", () => {
  const all = (network: "user" | "relay" | "tap") =>
    publishedPorts({ ...plan(network), accel: "tcg" }, image).map(
      ({ guestPort, protocol }) => `${guestPort}/${protocol}`,
    );
  expect(all("user").sort()).toEqual(["53/udp", "80/tcp"]);
  expect(all("relay")).toEqual(["80/tcp"]);
  expect(all("tap")).toEqual(["80/tcp"]);
});

test("the relay is refused with images that do not have it", () => {
  const relayed = { ...plan("relay"), accel: "tcg" } as const;
  const check = (ports: string[], facts: ImageFacts) => () =>
    checkRelayed(relayed, facts, parsePublishedAll(ports));
  expect(check(["80:80"], { ...image, reports: false })).toThrow("a part of wick's init");
  expect(check([], { ...image, reports: false })).not.toThrow();
  expect(check(["80:80"], image)).not.toThrow();
});
