// Formats times and sizes for operators.

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", Infinity],
];

/** The time since a timestamp: "3 minutes ago". */
export function timeAgo(iso: string, now: number, locale?: string): string {
  let amount = Math.min(0, (Date.parse(iso) - now) / 1000);
  if (amount > -5) return "just now";
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  for (const [unit, next] of STEPS) {
    if (Math.abs(amount) < next) return format.format(Math.round(amount), unit);
    amount /= next;
  }
  return iso;
}

/** A duration: "400 ms", "12 s", "3 min 5 s", "2 h 10 min". */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function joined(large: number, unit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`;
}

/** The duration between two timestamps, or until now if the second is null. */
export function elapsed(from: string, to: string | null, now: number): string {
  return duration(Math.max(0, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000));
}

/** A size: "512 B", "1.2 MB". */
export function fileSize(bytes: number): string {
  let amount = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (amount < 999.5 || unit === "GB") {
      return `${amount < 10 && unit !== "B" ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
    }
    amount /= 1000;
  }
  return "";
}

/** Date and time in the reader's locale. */
export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
