import { describe, expect, it } from "vitest";

import { ago, between, duration, many, size } from "./words";

const NOW = Date.parse("2025-06-01T12:00:00Z");

describe("ago", () => {
  it.each([
    ["2025-06-01T11:59:58Z", "just now"],
    ["2025-06-01T12:00:09Z", "just now"], // the service's clock is ahead of ours
    ["2025-06-01T11:59:20Z", "40 seconds ago"],
    ["2025-06-01T11:57:00Z", "3 minutes ago"],
    ["2025-06-01T07:00:00Z", "5 hours ago"],
    ["2025-05-31T11:00:00Z", "yesterday"],
    ["2025-04-22T12:00:00Z", "40 days ago"],
  ])("%s is %s", (iso, said) => {
    expect(ago(iso, NOW, "en")).toBe(said);
  });
});

describe("duration", () => {
  it.each([
    [0, "0 ms"],
    [0.4, "400 ms"],
    [0.9999, "1 s"],
    [3.14, "3.1 s"],
    [9.99, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [185, "3 min 5 s"],
    [3600, "1 h"],
    [7800, "2 h 10 min"],
  ])("%d s is %s", (seconds, said) => {
    expect(duration(seconds)).toBe(said);
  });

  it("counts from one time to another, and to now while it lasts", () => {
    expect(between("2025-06-01T11:59:00Z", "2025-06-01T11:59:12Z", NOW)).toBe("12 s");
    expect(between("2025-06-01T11:59:00Z", null, NOW)).toBe("1 min");
    expect(between("2025-06-01T12:00:30Z", null, NOW)).toBe("0 ms");
  });
});

describe("size", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1480, "1.5 kB"],
    [999_600, "1.0 MB"],
    [12_501_433, "13 MB"],
    [4.2e12, "4200 GB"],
  ])("%d is %s", (bytes, said) => {
    expect(size(bytes)).toBe(said);
  });
});

it("has one of a thing, and many", () => {
  expect(many(1, "review")).toBe("1 review");
  expect(many(0, "review")).toBe("0 reviews");
});
