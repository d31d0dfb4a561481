/** An identifier as SQL reads it back. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal as SQL reads it back. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
