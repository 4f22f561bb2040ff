import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeFrame } from "./frames.ts";
import {
  channelVersion,
  commandTypes,
  execReasons,
  payloadCap,
  reportTypes,
} from "./message-types.ts";
import { recordsLimits } from "./record-layout.ts";
import { MUST_UNDERSTAND, endings, recordKeys, rootModes } from "./record-keys.ts";
import {
  relayCreditBody,
  relayHelloBody,
  relayOpenBody,
  relayRefusedBody,
} from "./relay-layout.ts";
import { relayLimits, relayTypes, relayVersion } from "./relay-types.ts";

function source(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

/** Every `PREFIX_NAME = number` of a C header, as {name: number} in lower case with hyphens. */
function constants(header: string, prefix: string): Record<string, number> {
  const found = header.matchAll(
    new RegExp(String.raw`\b${prefix}_(\w+) = (0x[\da-f]+|\d+)[,\s]`, "gu"),
  );
  return Object.fromEntries(
    [...found].map(([, name, n]) => [name!.toLowerCase().replaceAll("_", "-"), Number(n)]),
  );
}

/** Rows of the Markdown tables whose first two cells are a number and a name. */
function rows(page: string): string[][] {
  return page
    .split("\n")
    .filter((line) => /^\| (0x[\da-f]+|\d+) +\| [\w-]+/u.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const recordsHeader = source("init/records.h");
const protocolHeader = source("init/protocol.h");
const relayHeader = source("init/relay.h");
const keyNumbers = Object.fromEntries(
  Object.entries(recordKeys).map(([name, { key }]) => [
    name.toLowerCase().replaceAll("_", "-"),
    key,
  ]),
);

test("the C header has the record keys, modes, endings and bounds of the TypeScript", () => {
  expect(constants(recordsHeader, "RECORD")).toEqual(keyNumbers);
  expect(constants(recordsHeader, "ENDING")).toEqual(endings);
  expect(constants(recordsHeader, "ROOT")).toEqual(rootModes);
  expect(recordsHeader).toContain("#define RECORD_MUST_UNDERSTAND 0x8000");
  expect(MUST_UNDERSTAND).toBe(0x8000);
  expect(recordsHeader).toContain(
    "RECORDS_FILE_BYTES = 1 << 20, RECORD_BYTES = (1 << 17) - 1, RECORDS_COUNT = 1 << 14",
  );
  expect(recordsLimits).toEqual({
    fileBytes: 1 << 20,
    recordBytes: (1 << 17) - 1,
    records: 1 << 14,
  });
});

test("the C header has the message types and reasons of the TypeScript", () => {
  expect(constants(protocolHeader, "REPORT")).toEqual(reportTypes);
  expect(constants(protocolHeader, "COMMAND")).toEqual(commandTypes);
  expect(constants(protocolHeader, "EXEC")).toEqual(execReasons);
  expect(protocolHeader).toContain(`CHANNEL_VERSION = ${channelVersion}`);
  expect(protocolHeader).toContain("CHANNEL_PAYLOAD_CAP = 1 << 20");
  expect(payloadCap).toBe(1 << 20);
});

test("the C header has the relay's frame types and limits of the TypeScript", () => {
  expect(constants(relayHeader, "FRAME")).toEqual(relayTypes);
  expect(relayHeader).toContain(`RELAY_VERSION = ${relayVersion},`);
  expect(relayHeader).toContain("RELAY_PAYLOAD_BYTES = 1 << 16,");
  expect(relayHeader).toContain(`RELAY_WINDOW_BYTES = 0x${relayLimits.windowBytes.toString(16)},`);
  expect(relayHeader).toContain(`RELAY_CONNECTIONS = ${relayLimits.connections},`);
  expect(relayLimits.payloadBytes).toBe(1 << 16);
});

test("docs/relay.md shows the frame types as they are", () => {
  const shown = rows(source("../../docs/relay.md")).map(([number, name]) => [name, Number(number)]);
  expect(shown).toEqual(Object.entries(relayTypes));
});

test("the bytes of the relay's frames are those that docs/relay.md shows", () => {
  const page = source("../../docs/relay.md").replaceAll(/\s/gu, "");
  const hello = relayHelloBody.encode({ version: relayVersion, reserved: 0, window: 16384 });
  const frames = [
    encodeFrame(relayTypes.hello, hello),
    encodeFrame(relayTypes.open, relayOpenBody.encode({ port: 80 }), 1),
    encodeFrame(relayTypes.refused, relayRefusedBody.encode({ errno: 111 }), 1),
    encodeFrame(relayTypes.credit, relayCreditBody.encode({ bytes: 8192 }), 2),
  ];
  for (const frame of frames) {
    expect(page).toContain(`\`${Buffer.from(frame).toString("hex")}\``);
  }
});

test("docs/init.md shows the record keys as they are", () => {
  const keys = rows(source("../../docs/init.md")).filter(([, name]) => /^[A-Z]/u.test(name!));
  const shown = keys.map(([key, name, list, must]) => ({
    [name!]: { key: Number(key), list: list === "yes", must: must === "yes" },
  }));
  const actual = Object.entries(recordKeys).map(([name, { key, list, must }]) => ({
    [name]: { key, list, must },
  }));
  expect(shown).toEqual(actual);
});

test("docs/channel.md shows the message types and reasons as they are", () => {
  const shown = rows(source("../../docs/channel.md")).map(([number, name]) => [
    name,
    Number(number),
  ]);
  const frame = new Set(["length", "type", "stream", "payload"]);
  expect(shown.filter(([name]) => !frame.has(String(name)))).toEqual([
    ...Object.entries(reportTypes),
    ...Object.entries(execReasons),
    ...Object.entries(commandTypes),
  ]);
});

test("the comparison sees a header that has gone its own way", () => {
  const wrong = recordsHeader.replace("RECORD_UID = 4", "RECORD_UID = 40");
  expect(constants(wrong, "RECORD")).not.toEqual(keyNumbers);
});
