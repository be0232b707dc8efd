import { describe, expect, it } from "vitest";

import { duration, elapsed, fileSize, timeAgo } from "./format";

const NOW = Date.parse("2025-06-01T12:00:00Z");

describe("timeAgo", () => {
  it.each([
    ["2025-06-01T11:59:58Z", "just now"],
    ["2025-06-01T12:00:09Z", "just now"], // the service's clock is ahead
    ["2025-06-01T11:59:20Z", "40 seconds ago"],
    ["2025-06-01T11:57:00Z", "3 minutes ago"],
    ["2025-06-01T07:00:00Z", "5 hours ago"],
    ["2025-05-31T11:00:00Z", "yesterday"],
    ["2025-04-22T12:00:00Z", "40 days ago"],
  ])("%s is %s", (iso, text) => {
    expect(timeAgo(iso, NOW, "en")).toBe(text);
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
  ])("%d s is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it("is measured between two timestamps, or until now", () => {
    expect(elapsed("2025-06-01T11:59:00Z", "2025-06-01T11:59:12Z", NOW)).toBe("12 s");
    expect(elapsed("2025-06-01T11:59:00Z", null, NOW)).toBe("1 min");
    expect(elapsed("2025-06-01T12:00:30Z", null, NOW)).toBe("0 ms");
  });
});

describe("fileSize", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1480, "1.5 kB"],
    [999_600, "1.0 MB"],
    [12_501_433, "13 MB"],
    [4.2e12, "4200 GB"],
  ])("%d is %s", (bytes, text) => {
    expect(fileSize(bytes)).toBe(text);
  });
});
