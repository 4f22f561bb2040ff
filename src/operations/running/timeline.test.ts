import { expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

test("guest marks are placed by the one that waited least", () => {
  const timeline = new Timeline(1000);
  timeline.addGuest("init", 200e6, 1900); // waited 400 ms in a buffer
  timeline.addGuest("application started", 600e6, 1900); // arrived at once
  timeline.addHost("listening", 2000);
  expect(timeline.points()).toEqual([
    { name: "kernel started", ms: 300 },
    { name: "init", ms: 500 },
    { name: "application started", ms: 900 },
    { name: "listening", ms: 1000 },
  ]);
});

test("a guest that sends marks for ever is not remembered for ever", () => {
  const timeline = new Timeline(0);
  for (let i = 0; i < 10_000; i++) timeline.addGuest(`m${i}`, i, i);
  expect(timeline.points().length).toBeLessThan(100);
});
