/** The rows of a CSV text (RFC 4180), each by the names of the header, in small letters. */
export function csvRows(text: string): Record<string, string>[] {
  const [header = [], ...rows] = csvLines(text.replace(/^\uFEFF/, ""));
  const names = header.map((name) => name.trim().toLowerCase());
  return rows
    .filter((row) => row.some((cell) => cell.trim() !== ""))
    .map((row) => Object.fromEntries(names.map((name, n) => [name, (row[n] ?? "").trim()])));
}

function csvLines(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  // A cell, quoted or not, and what ends it.
  const cells = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|\n|\r|$)/y;
  while (cells.lastIndex < text.length || line.length > 0) {
    const at = cells.lastIndex;
    const match = cells.exec(text);
    if (match === null) {
      // A quotation mark where none may be, or one that is never closed: read the line as it is.
      const end = text.indexOf("\n", at);
      const rest = text.slice(at, end < 0 ? undefined : end);
      lines.push([...line, ...rest.split(",")]);
      line = [];
      if (end < 0) break;
      cells.lastIndex = end + 1;
      continue;
    }
    const [, quoted, plain = "", ending] = match;
    line.push(quoted?.replaceAll('""', '"') ?? plain);
    if (ending === ",") continue;
    lines.push(line);
    line = [];
    if (ending === "") break;
  }
  return lines;
}
